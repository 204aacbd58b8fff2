// SPDX-License-Identifier: MIT
// Upstream: a named group of endpoints as one worker sees it, with its balancer and a pool per
// endpoint.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "onehop/tls/tls.h"
#include "onehop/upstream/balancer.h"
#include "onehop/upstream/pool.h"

namespace onehop::upstream {

class Penalties;
class SecureDialer;

// One replica. Belongs to its Upstream and never moves.
class Endpoint {
 public:
  // Its place in its upstream.
  struct Place {
    size_t index;
    Candidate& candidate;
    Penalties& penalties;
  };
  // `dialer`, when given, has those in `parts`.
  Endpoint(std::string name, Place place, std::unique_ptr<SecureDialer> dialer,
           const Pool::Parts& parts);
  ~Endpoint();

  const std::string& name() const { return name_; }  // the address as configured
  std::string_view upstream() const { return upstream_; }
  Pool& pool() { return pool_; }
  telemetry::EndpointShard& counters() { return counters_; }

  // Of an upstream with TLS: connections are made with `context` from now on, and those that were
  // made before are used no more.
  void use(std::shared_ptr<const tls::ClientContext> context);

  // Around everything that this endpoint is chosen for, so that the balancer sees its load.
  void begin_request() {
    ++place_.candidate.in_flight;
    counters_.in_flight.add(1);
  }
  void end_request() {
    --place_.candidate.in_flight;
    counters_.in_flight.add(-1);
  }

  // A request failed by its fault: the balancer takes it for busier than it looks, for a while.
  void failed();

 private:
  std::string name_;
  std::string_view upstream_;  // its name
  Place place_;
  net::Loop& loop_;
  telemetry::EndpointShard& counters_;
  std::unique_ptr<SecureDialer> dialer_;
  Pool pool_;
};

class Upstream {
 public:
  // What a worker gives to its upstreams; everything referred to outlives them.
  struct Parts {
    net::Loop& loop;
    net::Dialer& dialer;
    Pools& pools;
    const config::Limits& limits;
    telemetry::Shard& shard;
    std::shared_ptr<const tls::ClientContext> tls;  // null: endpoints are spoken to in the clear
    size_t worker;                                  // 0 to worker_count - 1
    size_t worker_count;                            // max_connections is shared out among so many
    // By endpoint, in the order of the shard's.
    std::span<Reachability> reachability;
  };

  // `addresses` are those of config.endpoints; `first_endpoint` is the place of the first one in
  // the shard.
  Upstream(const config::Upstream& config, std::span<const Address> addresses,
           size_t first_endpoint, const Parts& parts);
  ~Upstream();

  const config::Upstream& config() const { return config_; }
  Endpoint& endpoint(size_t index) { return *endpoints_[index]; }
  size_t endpoint_count() const { return endpoints_.size(); }

  // Endpoint::use of all.
  void use(const std::shared_ptr<const tls::ClientContext>& context);

  // Closes every idle connection, for the end of the worker. Nothing is lent out any more.
  void close();

  // The endpoint for the next attempt, none of `tried`; nothing when none is left.
  std::optional<size_t> pick(std::span<const uint16_t> tried);

 private:
  const config::Upstream& config_;
  net::Loop& loop_;
  std::vector<Candidate> candidates_;
  std::unique_ptr<Penalties> penalties_;
  std::vector<std::unique_ptr<Endpoint>> endpoints_;
  std::unique_ptr<Balancer> balancer_;
};

}  // namespace onehop::upstream
