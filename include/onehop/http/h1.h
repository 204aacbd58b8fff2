// SPDX-License-Identifier: MIT
// The door to HTTP/1.1 (RFC 9112): makes connections of transports.
#pragma once

#include <memory>

#include "onehop/http/preface.h"

namespace onehop::http::h1 {

// A client's connection; it begins to read at once. `owner`, `service` and `settings` outlive it.
void serve(net::Loop& loop, net::TransportPtr transport, const Client& client, Service& service,
           const ServerSettings& settings, ServerConnections& owner);

// The same, but a client that begins with the preface of HTTP/2 goes to `take_over`.
void serve_either(net::Loop& loop, net::TransportPtr transport, const Client& client,
                  Service& service, const ServerSettings& settings, ServerConnections& owner,
                  TakeOver take_over);

// A connection to an endpoint, ready for its first stream. `limits`, `counters` and `owner` outlive
// it.
std::unique_ptr<ClientConnection> connect(net::Loop& loop, net::TransportPtr transport,
                                          const config::Limits& limits,
                                          telemetry::EndpointShard& counters,
                                          ClientConnection::Events& owner);

}  // namespace onehop::http::h1
