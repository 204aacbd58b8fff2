// SPDX-License-Identifier: MIT
#include "ring_hash.h"

#include <algorithm>

namespace onehop::upstream {
namespace {

constexpr uint64_t kPlace = 0xFFFFFFFFu;  // the bits of a point that say whose it is

}  // namespace

// Sorted with the rank by key, as where two points are one the order of the set must not decide.
void RingHash::build(std::span<const Placed> placed) {
  points_.clear();
  uint64_t greatest = 1;
  uint64_t total = 0;
  for (const Placed& one : placed) {
    greatest = std::max<uint64_t>(greatest, one.weight);
    total += one.weight;
  }
  const uint64_t for_greatest =
      total == 0 ? 0 : std::clamp<uint64_t>(kMostPoints * greatest / total, 1, kPoints);
  for (size_t rank = 0; rank < placed.size(); ++rank) {
    const uint64_t count = std::max<uint64_t>(1, for_greatest * placed[rank].weight / greatest);
    for (uint64_t i = 0; i < count; ++i)
      points_.push_back((mixed(placed[rank].key + mixed(i + 1)) & ~kPlace) | rank);
  }
  std::ranges::sort(points_);
  for (uint64_t& point : points_) point = (point & ~kPlace) | placed[point & kPlace].place;
}

std::optional<size_t> RingHash::pick(std::span<const Candidate> candidates, const PickBy& by) {
  if (!by.hash.has_value()) return pick_without_key(candidates, by);
  const auto behind = std::ranges::lower_bound(points_, *by.hash & ~kPlace);
  size_t at = static_cast<size_t>(behind - points_.begin());
  return first_that_takes(candidates, *by.hash, points_.size(), [&](size_t) {
    if (at == points_.size()) at = 0;
    return static_cast<size_t>(points_[at++] & kPlace);
  });
}

}  // namespace onehop::upstream
