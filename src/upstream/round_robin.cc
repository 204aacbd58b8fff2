// SPDX-License-Identifier: MIT
#include "round_robin.h"

namespace onehop::upstream {

std::optional<size_t> RoundRobin::pick(std::span<const Candidate> candidates, const PickBy&) {
  std::optional<size_t> best;
  int64_t total = 0;
  for (size_t i = 0; i < candidates.size(); ++i) {
    if (candidates[i].out()) continue;
    credit_[i] += candidates[i].weight;
    total += candidates[i].weight;
    if (!best.has_value() || credit_[i] > credit_[*best]) best = i;
  }
  if (best.has_value()) credit_[*best] -= total;
  return best;
}

}  // namespace onehop::upstream
