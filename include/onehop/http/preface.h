// SPDX-License-Identifier: MIT
// How a client with prior knowledge of HTTP/2 begins (RFC 9113 3.3, 3.4), and how the connection
// that reads it hands over to the other protocol: what both codecs know of each other.
#pragma once

#include <string_view>

#include "onehop/http/connection.h"

namespace onehop::http {

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

// Goes on with a connection that is counted as open and idle already, and of which `first` was
// read: h2::take_over.
using TakeOver = void (*)(net::Loop& loop, net::TransportPtr transport, const Client& client,
                          Service& service, const ServerSettings& settings,
                          ServerConnections& owner, Buffer&& first);

}  // namespace onehop::http
