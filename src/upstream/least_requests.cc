// SPDX-License-Identifier: MIT
#include "least_requests.h"

#include <algorithm>

namespace onehop::upstream {
namespace {

bool is_idle(const Candidate& candidate) {
  return candidate.out() || candidate.in_flight == 0;
}

}  // namespace

std::optional<size_t> LeastRequests::pick(std::span<const Candidate> candidates, const PickBy&) {
  const bool all_idle = std::ranges::all_of(candidates, is_idle);
  // (in_flight + 1 + failures) / weight, the load that the endpoint would have, compared without
  // dividing.
  const auto load = [&](const Candidate& candidate, const Candidate& other) {
    const uint64_t requests = all_idle ? 0 : uint64_t{candidate.in_flight} + 1;
    return (requests * Candidate::kFailureUnits + candidate.failures) * other.weight;
  };
  const Candidate* least = nullptr;
  for (const Candidate& candidate : candidates) {
    if (candidate.out()) continue;
    if (least == nullptr || load(candidate, *least) < load(*least, candidate)) least = &candidate;
  }
  if (least == nullptr) return std::nullopt;
  std::optional<size_t> best;
  int64_t total = 0;
  for (size_t i = 0; i < candidates.size(); ++i) {
    const Candidate& candidate = candidates[i];
    if (candidate.out() || load(candidate, *least) != load(*least, candidate)) continue;
    credit_[i] += candidate.weight;
    total += candidate.weight;
    if (!best.has_value() || credit_[i] > credit_[*best]) best = i;
  }
  credit_[*best] -= total;
  return best;
}

}  // namespace onehop::upstream
