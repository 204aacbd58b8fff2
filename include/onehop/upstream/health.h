// SPDX-License-Identifier: MIT
// What workers see and say of an endpoint's health. They count failures in a row, together, and
// raise an alarm; who is out is decided by the Judge, on the main thread, and comes to them with
// the set of endpoints as everything else does (EndpointSpec::out).
#pragma once

#include <atomic>
#include <bit>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "onehop/config/config.h"

namespace onehop::upstream {

// A number that is given once. 0: none.
using EndpointId = uint64_t;

// What the end of a request says of the endpoint that had it.
struct RequestEnd {
  enum class Says : uint8_t {
    nothing,  // the client left, or the fault is onehop's own
    well,
    failed
  };
  Says says = Says::nothing;
  config::Failure failure = config::Failure::connect;  // where it failed
};

// Which failures count, as a set.
class FailureKinds {
 public:
  FailureKinds() = default;
  // The names of `config::names(Failure)`; "5xx" has those of 502 to 504 in it.
  explicit FailureKinds(const std::vector<std::string>& names);

  bool has(config::Failure one) const noexcept {
    return (bits_ >> static_cast<unsigned>(one) & 1) != 0;
  }

 private:
  uint8_t bits_ = 0;
};

// Written by all workers, where something fails.
struct FailureCount {
  std::atomic<uint32_t> in_a_row = 0;
  std::atomic<config::Failure> last = config::Failure::connect;
};

class HealthAlarm {
 public:
  // An endpoint failed `consecutive_failures` requests in a row, and again with each further so
  // many. From any worker's thread, and rarely.
  virtual void on_failures(const std::string& upstream, EndpointId endpoint) = 0;

 protected:
  ~HealthAlarm() = default;
};

}  // namespace onehop::upstream
