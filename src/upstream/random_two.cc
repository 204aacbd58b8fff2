// SPDX-License-Identifier: MIT
#include "random_two.h"

namespace onehop::upstream {

// The first one drawn where they are equal: so shares are those of the weights while nobody has
// anything to do.
std::optional<size_t> RandomTwo::pick(std::span<const Candidate> candidates, const PickBy&) {
  const Draw::Two two = draw_.two(candidates);
  if (!two.second.has_value()) return two.first;
  return less_loaded(candidates[*two.second], candidates[*two.first]) ? two.second : two.first;
}

}  // namespace onehop::upstream
