// SPDX-License-Identifier: MIT
// The server's part of the opening handshake of a WebSocket (RFC 6455 4.2.2).
#pragma once

#include <string>
#include <string_view>

#include "tests/support/message.h"

namespace onehop::test {

// The Sec-WebSocket-Accept that answers a key.
std::string websocket_accept(std::string_view key);

// The 101 that agrees to `request`.
std::string websocket_switch(const Request& request, std::string_view more_fields = "");

}  // namespace onehop::test
