// SPDX-License-Identifier: MIT
// Peak EWMA: of two that chance has drawn by weight, the one whose next answer is expected sooner:
// the time of its answers, times what it has to do. That time is a moving average (exponentially
// weighted, EWMA) that rises at once to each peak and forgets it over kDecayMs, so that a replica
// that stalls is left alone after one slow answer and not after many.
//
//   failures    count as load, as they do elsewhere, and how quickly they came is not looked at: a
//               replica that fails at once is not a fast one. One that fails slowly is a slow one.
//   never met   one without an answer yet is taken for an average one
//   forgetting  one that is asked no more is believed to become faster, and is tried again
#pragma once

#include <vector>

#include "draw.h"
#include "onehop/upstream/balancer.h"

namespace onehop::upstream {

class PeakEwma final : public Balancer {
 public:
  static constexpr double kDecayMs = 10'000;  // after which 37 % of what was known is left

  explicit PeakEwma(uint64_t seed) : draw_(seed) {}

  void rebuild(const Members& members) override { times_ = carried_over(times_, members.former); }
  std::optional<size_t> pick(std::span<const Candidate> candidates, const PickBy& by) override;
  bool wants_latencies() const override { return true; }
  void answered(size_t candidate, const Latency& latency) override;

 private:
  struct Time {
    double ns = 0;
    uint64_t at_ms = 0;
    bool known = false;

    double left(uint64_t now_ms) const;
  };
  double expected(size_t candidate, uint64_t now_ms) const;

  Draw draw_;
  std::vector<Time> times_;
};

}  // namespace onehop::upstream
