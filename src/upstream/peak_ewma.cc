// SPDX-License-Identifier: MIT
#include "peak_ewma.h"

#include <cmath>

namespace onehop::upstream {

double PeakEwma::Time::left(uint64_t now_ms) const {
  return ns * std::exp(-static_cast<double>(now_ms - at_ms) / kDecayMs);
}

void PeakEwma::answered(size_t candidate, const Latency& latency) {
  Time& time = times_[candidate];
  const auto took = static_cast<double>(latency.ns);
  const double left = time.left(latency.now_ms);
  if (!time.known || took > left) {
    if (!time.known && latency.answer == Answer::bad) return;
    time = {took, latency.now_ms, true};
  } else if (latency.answer == Answer::good) {
    // What is forgotten of the old average is replaced by the new answer.
    const double kept = time.ns > 0 ? left / time.ns : 0;
    time = {left + took * (1 - kept), latency.now_ms, true};
  }
}

double PeakEwma::expected(size_t candidate, uint64_t now_ms) const {
  if (times_[candidate].known) return times_[candidate].left(now_ms);
  double sum = 0;
  size_t count = 0;
  for (const Time& time : times_) {
    if (!time.known) continue;
    sum += time.left(now_ms);
    ++count;
  }
  return count > 0 ? sum / static_cast<double>(count) : 1;
}

std::optional<size_t> PeakEwma::pick(std::span<const Candidate> candidates, const PickBy& by) {
  const Draw::Two two = draw_.two(candidates);
  if (!two.second.has_value()) return two.first;
  // The request itself is the same part of both, whatever their weights are: so these alone say who
  // is next while both are idle and as fast as each other.
  const auto weights = static_cast<double>(candidates[*two.first].weight) +
                       static_cast<double>(candidates[*two.second].weight);
  const double own = 2 * Candidate::kFailureUnits / weights;
  const auto cost = [&](size_t i) {
    const auto load = static_cast<double>(candidates[i].load());
    return expected(i, by.now_ms) * (load / candidates[i].weight + own);
  };
  return cost(*two.second) < cost(*two.first) ? two.second : two.first;
}

}  // namespace onehop::upstream
