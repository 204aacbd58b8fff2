// SPDX-License-Identifier: MIT
// The proxy's own answers: short plain text, with Content-Length and a Proxy-Status that names the
// outcome (RFC 9209).
#pragma once

#include <string_view>

#include "onehop/base/arena.h"
#include "onehop/http/stream.h"
#include "onehop/proxy/outcome.h"

namespace onehop::proxy {

// Sends the whole reply. `detail` says more than the outcome's own sentence; may be empty.
void send_local_reply(http::ServerStream& stream, Outcome outcome, std::string_view detail,
                      Arena& arena);

}  // namespace onehop::proxy
