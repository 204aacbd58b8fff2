// SPDX-License-Identifier: MIT
// Change: what the main thread gives to each worker when it starts, and whenever there is another
// configuration: all of it, and the worker finds out by the keys what is new, what stays and what
// is gone. The same for every worker but for its sockets.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "client_gate.h"
#include "onehop/base/keyed_hash.h"
#include "onehop/base/token_table.h"
#include "onehop/net/listener.h"
#include "onehop/proxy/snapshot.h"
#include "onehop/telemetry/telemetry.h"
#include "onehop/tls/tls.h"
#include "onehop/upstream/endpoint_set.h"

namespace onehop::server {

// Cells stay for as long as the program runs.
struct Change {
  std::shared_ptr<const proxy::Snapshot> snapshot;

  // In the order of its upstreams.
  std::vector<upstream::EndpointSet> endpoints;
  std::vector<std::shared_ptr<const tls::ClientContext>> upstream_tls;  // or null

  // In the order of its listeners; null for a plain one.
  std::vector<std::shared_ptr<const tls::ServerContext>> listener_tls;
  std::vector<telemetry::ListenerCells*> listener_cells;

  // In the order of its listeners, null for one without limits; and of its rate limits.
  std::vector<std::shared_ptr<ClientGate>> client_gates;
  std::vector<std::shared_ptr<TokenTable>> rate_limits;
  std::vector<telemetry::RateLimitCells*> rate_limit_cells;
  HashSecret hash_secret;

  // In the order of its routes.
  std::vector<telemetry::RouteCells*> routes;
  telemetry::RouteCells* no_route;

  uint64_t max_connections;  // of clients, of each worker

  // Signs cookies of upstreams that have no secret of their own.
  std::string sticky_secret;
};

// Those of each listener that is not open yet, by its place in the configuration: one, or more
// where another process had more workers. They are a worker's own.
using NewSockets = std::unordered_multimap<size_t, net::ListeningSocket>;

}  // namespace onehop::server
