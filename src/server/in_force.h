// SPDX-License-Identifier: MIT
// InForce: the configuration that is in force, and what the main thread has made of it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "change.h"
#include "limit_tables.h"
#include "prepared.h"

namespace onehop::server {

struct InForce {
  Prepared prepared;
  std::shared_ptr<const proxy::Snapshot> snapshot;
  std::string json;    // for GET /config
  std::string sha256;  // of the text of its files; "" without one
  std::string by;      // what it came by
  int64_t since_unix_s = 0;

  const config::Config& config() const { return snapshot->config(); }

  static InForce make(Prepared prepared, uint64_t number, std::string by);
};

// What the workers are given of it. `endpoints` are by upstream, `max_connections` is of each
// worker. `limits` are in use for its configuration.
std::shared_ptr<const Change> change_of(const InForce& in_force,
                                        std::vector<upstream::EndpointSet> endpoints,
                                        const LimitTables& limits, telemetry::Telemetry& telemetry,
                                        uint64_t max_connections, std::string sticky_secret);

}  // namespace onehop::server
