// SPDX-License-Identifier: MIT
// Balancer: chooses an endpoint. Pure: it sees numbers and no sockets, so a test needs neither.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "onehop/config/config.h"

namespace onehop::upstream {

// What a balancer may know of an endpoint.
struct Candidate {
  uint32_t weight = 1;     // at least 1
  uint32_t in_flight = 0;  // requests of this worker that the endpoint has, or that wait for it
  bool excluded = false;   // already tried for this request
  // What failed there of late, as load: so many sixteenths of a request in flight.
  uint32_t failures = 0;

  static constexpr uint32_t kFailureUnits = 16;
};

class Balancer {
 public:
  virtual ~Balancer() = default;

  // The index of the chosen candidate; nothing when all are excluded. `candidates` has the same
  // size at every call.
  virtual std::optional<size_t> pick(std::span<const Candidate> candidates) = 0;
};

std::unique_ptr<Balancer> make_balancer(config::Balance algorithm, size_t candidate_count);

}  // namespace onehop::upstream
