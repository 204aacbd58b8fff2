// SPDX-License-Identifier: MIT
// Penalties: failures of endpoints, as load. An endpoint that fails at once has no request in
// flight and looks idle, so that a balancer that looks at load would send it everything. So each
// failure counts as a few requests in flight, and half of that is over after each half-life: the
// endpoint is asked now and then, and has its share again seconds after its last failure.
//
// Nothing is done, and nothing read, while nobody fails.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "onehop/upstream/balancer.h"

namespace onehop::upstream {

class Penalties {
 public:
  // One failure is as much load as so many requests in flight.
  static constexpr double kRequestsPerFailure = 4;
  static constexpr double kHalfLifeMs = 1000;

  // The candidates are others from now on.
  void rebuild(Former former) { levels_ = carried_over(levels_, former); }

  void add(size_t endpoint, uint64_t now_ms);

  // Brings Candidate::failures up to date.
  void apply(std::span<Candidate> candidates, uint64_t now_ms) {
    if (any_) update(candidates, now_ms);
  }

 private:
  struct Level {
    double requests = 0;
    uint64_t at_ms = 0;

    double left(uint64_t now_ms) const;
  };
  void update(std::span<Candidate> candidates, uint64_t now_ms);

  std::vector<Level> levels_;
  bool any_ = false;
};

}  // namespace onehop::upstream
