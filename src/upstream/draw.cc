// SPDX-License-Identifier: MIT
#include "draw.h"

#include <algorithm>

namespace onehop::upstream {
namespace {

// What failed of late makes it less likely, too: else one that fails would be one of the two all
// the time, and the other one, however slow, the better of them.
uint64_t share_of(const Candidate& candidate) {
  constexpr uint64_t kSteps = 1024;
  return std::max<uint64_t>(kSteps * candidate.weight * Candidate::kFailureUnits /
                                (Candidate::kFailureUnits + uint64_t{candidate.failures}),
                            1);
}

// The one in whose part of all shares `point` lies, `but` left out.
std::optional<size_t> at(std::span<const Candidate> candidates, uint64_t point, size_t but) {
  for (size_t i = 0; i < candidates.size(); ++i) {
    if (candidates[i].out() || i == but) continue;
    const uint64_t share = share_of(candidates[i]);
    if (point < share) return i;
    point -= share;
  }
  return std::nullopt;
}

}  // namespace

Draw::Two Draw::two(std::span<const Candidate> candidates) {
  uint64_t total = 0;
  for (const Candidate& candidate : candidates) total += candidate.out() ? 0 : share_of(candidate);
  if (total == 0) return {};
  Two drawn;
  drawn.first = at(candidates, chance_.below(total), kNew);
  total -= share_of(candidates[*drawn.first]);
  if (total > 0) drawn.second = at(candidates, chance_.below(total), *drawn.first);
  return drawn;
}

}  // namespace onehop::upstream
