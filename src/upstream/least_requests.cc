// SPDX-License-Identifier: MIT
#include "least_requests.h"

namespace onehop::upstream {

std::optional<size_t> LeastRequests::pick(std::span<const Candidate> candidates) {
  std::optional<size_t> best;
  for (size_t step = 0; step < candidates.size(); ++step) {
    const size_t i = (next_ + step) % candidates.size();
    const Candidate& candidate = candidates[i];
    if (candidate.excluded) continue;
    // (in_flight + 1) / weight, compared without dividing: the load that the endpoint would have.
    const auto load = [](const Candidate& c, const Candidate& other) {
      return (uint64_t{c.in_flight} + 1) * other.weight;
    };
    if (!best.has_value() ||
        load(candidate, candidates[*best]) < load(candidates[*best], candidate))
      best = i;
  }
  if (best.has_value()) next_ = *best + 1;
  return best;
}

}  // namespace onehop::upstream
