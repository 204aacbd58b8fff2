// SPDX-License-Identifier: MIT
// Sets of endpoints, as the main thread makes them and all workers share them. An endpoint is known
// by its id, never by its place: places change with every set.
//
//   main      EndpointBook: name and address -> EndpointSpec, the same one for the same facts
//   workers   Upstream::use(set) -> the endpoints that stay keep their pools, others come and go
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "onehop/base/address.h"
#include "onehop/config/config.h"
#include "onehop/telemetry/telemetry.h"
#include "onehop/upstream/health.h"
#include "onehop/upstream/idle_tolerance.h"
#include "onehop/upstream/reachability.h"
#include "onehop/upstream/warming.h"

namespace onehop::upstream {

// What all workers have of an endpoint together.
struct SharedEndpoint {
  telemetry::EndpointRef cells;
  Reachability reachability;
  FailureCount failures;
  IdleTolerance tolerance;
  // Since when it is warming, by the loops' clock, as the workers say it; or kNotWarming.
  std::atomic<uint64_t> warming_since_ms = kNotWarming;
};

// Never changed. An endpoint of which something changes has another spec with the same id.
struct EndpointSpec {
  EndpointId id = 0;
  std::string name;  // as it is shown: the address as configured, or as it was found
  std::string host;  // by which TLS knows it, where upstream.tls.server_name does not say
  Address address;
  uint32_t weight = 1;   // 1 to 65535
  bool drained = false;  // it gets no request, and has all the time for those it has
  // Which are used first: priority, and behind the last one of these the backups.
  uint16_t rank = 0;
  bool out = false;       // it gets no request at this moment, says the Judge; connections stay
  std::string zone = {};  // where it is; empty: nobody says
  std::shared_ptr<SharedEndpoint> shared;
};
using SpecRef = std::shared_ptr<const EndpointSpec>;

// In the order in which a balancer has them, which are those that are not drained. No id is there
// twice.
using EndpointSet = std::shared_ptr<const std::vector<SpecRef>>;

// How connections to an upstream's endpoints are made, beside their addresses: where that differs,
// other endpoints are meant.
std::string identity_of(const config::Upstream& upstream);

// Gives the ids. An endpoint that is described as before is the same one, with its pools and
// counters, in whatever set it stands, for as long as somebody has it. Used by one thread.
class EndpointBook {
 public:
  // Outlives the book.
  explicit EndpointBook(telemetry::Telemetry& telemetry) : telemetry_(telemetry) {}

  struct Described {
    std::string upstream;
    std::string identity;  // identity_of() the upstream
    bool tls = false;
    std::string name;
    std::string host;
    Address address;
    uint32_t weight = 1;
    bool drained = false;
    uint16_t rank = 0;
    std::string zone = {};
  };
  SpecRef spec(const Described& described);

 private:
  struct Entry {
    EndpointId id = 0;
    std::weak_ptr<SharedEndpoint> shared;
    std::weak_ptr<const EndpointSpec> latest;
  };
  void forget_those_gone();

  telemetry::Telemetry& telemetry_;
  std::unordered_map<std::string, Entry> entries_;
  size_t forget_at_ = 64;  // entries
  EndpointId next_id_ = 1;
};

}  // namespace onehop::upstream
