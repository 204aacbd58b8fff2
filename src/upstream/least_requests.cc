// SPDX-License-Identifier: MIT
#include "least_requests.h"

namespace onehop::upstream {
namespace {

// in_flight / weight, compared without dividing.
uint64_t load(const Candidate& candidate, const Candidate& other) {
  return uint64_t{candidate.in_flight} * other.weight;
}

}  // namespace

std::optional<size_t> LeastRequests::pick(std::span<const Candidate> candidates) {
  const Candidate* least = nullptr;
  for (const Candidate& candidate : candidates) {
    if (candidate.excluded) continue;
    if (least == nullptr || load(candidate, *least) < load(*least, candidate)) least = &candidate;
  }
  if (least == nullptr) return std::nullopt;
  std::optional<size_t> best;
  int64_t total = 0;
  for (size_t i = 0; i < candidates.size(); ++i) {
    const Candidate& candidate = candidates[i];
    if (candidate.excluded || load(candidate, *least) != load(*least, candidate)) continue;
    credit_[i] += candidate.weight;
    total += candidate.weight;
    if (!best.has_value() || credit_[i] > credit_[*best]) best = i;
  }
  credit_[*best] -= total;
  return best;
}

}  // namespace onehop::upstream
