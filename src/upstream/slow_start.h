// SPDX-License-Identifier: MIT
// SlowStart: endpoints that came to a set that has others, and get their share of the requests
// little by little: a tenth of their weight at first, and from then on as much of it as has passed
// of the time. So an application that has just started fills its caches and connections before it
// is asked as often as those that have.
//
// Nothing is done, and nothing read, while none of them is warming.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "onehop/upstream/balancer.h"
#include "onehop/upstream/warming.h"

namespace onehop::upstream {

class SlowStart {
 public:
  // How long it takes; 0: nobody is slowed. Those that are added follow.
  void configure(uint64_t length_ms) { length_ms_ = length_ms; }
  bool enabled() const noexcept { return length_ms_ > 0; }

  // The candidates are others from now on, and none of them is warming.
  void clear() noexcept { warming_.clear(); }
  // This one is, for as long as its time is not over.
  void add(size_t candidate, uint32_t weight, uint64_t since_ms) {
    warming_.push_back({candidate, weight, since_ms});
  }
  bool is_over(uint64_t since_ms, uint64_t now_ms) const noexcept {
    return now_ms - since_ms >= length_ms_;
  }

  // What a candidate that is not warming has as Candidate::weight.
  static uint32_t full(uint32_t weight) noexcept { return weight * kWarm; }

  // Brings Candidate::weight of those that are up to date.
  void apply(std::span<Candidate> candidates, uint64_t now_ms) {
    if (!warming_.empty()) update(candidates, now_ms);
  }

 private:
  struct Warming {
    size_t candidate;
    uint32_t weight;
    uint64_t since_ms;
  };
  void update(std::span<Candidate> candidates, uint64_t now_ms);

  uint64_t length_ms_ = 0;
  std::vector<Warming> warming_;
};

}  // namespace onehop::upstream
