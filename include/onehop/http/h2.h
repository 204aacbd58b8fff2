// SPDX-License-Identifier: MIT
// The door to HTTP/2 (RFC 9113): makes connections of transports.
#pragma once

#include <memory>

#include "onehop/http/preface.h"

namespace onehop::http::h2 {

// A client's connection; it begins to read at once. `owner`, `service` and `settings` outlive it.
void serve(net::Loop& loop, net::TransportPtr transport, const Client& client, Service& service,
           const ServerSettings& settings, ServerConnections& owner);

// A TakeOver (preface.h).
void take_over(net::Loop& loop, net::TransportPtr transport, const Client& client, Service& service,
               const ServerSettings& settings, ServerConnections& owner, Buffer&& first);

struct ConnectOptions {
  bool secure = false;   // over TLS
  uint64_t ping_ms = 0;  // a silence of so long is ended by a PING, or by the connection's end
  // What the endpoint may send ahead on a stream, in bytes: at first, and once its reader has kept
  // up with it.
  uint32_t stream_window = 64 * 1024;
  uint32_t max_stream_window = 64 * 1024;
};

// What the windows of all streams of the process have grown by, in bytes; at most
// server.limits.buffered. From any thread.
uint64_t grown_windows() noexcept;

// A connection to an endpoint, ready for streams. `limits`, `counters` and `owner` outlive it.
std::unique_ptr<ClientConnection> connect(net::Loop& loop, net::TransportPtr transport,
                                          const config::Limits& limits,
                                          telemetry::EndpointShard& counters,
                                          ClientConnection::Events& owner,
                                          const ConnectOptions& options);

}  // namespace onehop::http::h2
