// SPDX-License-Identifier: MIT
#include "in_force.h"

#include <ctime>
#include <utility>
#include <vector>

#include "onehop/tls/digest.h"

namespace onehop::server {
InForce InForce::make(Prepared prepared, uint64_t number, std::string by) {
  InForce made;
  made.snapshot = std::make_shared<const proxy::Snapshot>(number, prepared.loaded.config);
  made.json = config::to_json(prepared.config());
  if (!prepared.loaded.file.empty()) made.sha256 = tls::sha256_hex(prepared.loaded.sources.text);
  made.by = std::move(by);
  made.since_unix_s = std::time(nullptr);
  prepared.loaded.sources.text.clear();
  made.prepared = std::move(prepared);
  return made;
}

std::shared_ptr<const Change> change_of(const InForce& in_force,
                                        std::vector<upstream::EndpointSet> endpoints,
                                        const LimitTables& limits, telemetry::Telemetry& telemetry,
                                        uint64_t max_connections, std::string sticky_secret) {
  auto change = std::make_shared<Change>();
  const config::Config& config = in_force.config();
  change->snapshot = in_force.snapshot;
  change->endpoints = std::move(endpoints);
  change->upstream_tls = in_force.prepared.tls.upstreams();
  change->listener_tls = in_force.prepared.tls.listeners();
  for (const config::Listener& listener : config.listeners) {
    change->listener_cells.push_back(listener.tls.enabled() ? &telemetry.listener(listener.address)
                                                            : nullptr);
  }
  change->client_gates = limits.listeners();
  change->rate_limits = limits.rate_limits();
  change->hash_secret = limits.hash_secret();
  for (const config::RateLimit& limit : config.rate_limits)
    change->rate_limit_cells.push_back(&telemetry.rate_limit(limit.name));
  for (const std::string& label : in_force.snapshot->route_labels())
    change->routes.push_back(&telemetry.route(label));
  change->no_route = &telemetry.route({});
  change->max_connections = max_connections;
  change->sticky_secret = std::move(sticky_secret);
  return change;
}

}  // namespace onehop::server
