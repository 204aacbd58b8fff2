// SPDX-License-Identifier: MIT
#include "limits.h"

#include <fmt/format.h>

#include "cpus.h"
#include "descriptors.h"
#include "onehop/base/log.h"
#include "onehop/net/event_loop.h"

namespace onehop::server {

void warn_of_small_shares(const config::Config& config, size_t workers) {
  for (const auto& upstream : config.upstreams) {
    const uint32_t limit = upstream.pool.max_connections;
    if (limit == 0 || limit >= workers) continue;
    log::warning(fmt::format(
        "upstream.{}.pool.max_connections = {} is less than the {} workers: each of them "
        "may open one connection to an endpoint",
        upstream.name, limit, workers));
  }
}

size_t worker_count(const config::Config& config) {
  return config.server.workers != 0 ? config.server.workers : available_cpus();
}

uint64_t client_limit(const config::Config& config, size_t workers) {
  const uint64_t descriptors = net::raise_descriptor_limit();
  const uint64_t suffices = clients_within(descriptors, workers, config.listeners.size());
  const uint64_t asked = config.server.limits.connections;
  if (asked > suffices)
    log::warning(fmt::format(
        "server.limits.connections = {} is more than the {} open files that are allowed suffice "
        "for with two to a client: {} clients",
        asked, descriptors, suffices));
  return asked != 0 ? asked : suffices;
}

}  // namespace onehop::server
