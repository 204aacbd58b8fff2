// SPDX-License-Identifier: MIT
// Consistent hashing on a ring (Karger et al.): each endpoint has kPoints points on a circle of
// 2^32, fewer where its weight is less than the greatest one, and the request goes to the endpoint
// of the first point at or behind its hash. An endpoint that goes leaves its keys to those behind
// its points, and all others stay; one that comes takes 1/n of the keys, and no key moves between
// others.
//
//   spread   with 1024 points each has its share but for 3 % (one standard deviation)
//   size     at most kMostPoints for all: beyond 64 endpoints each has fewer
#pragma once

#include <vector>

#include "hashed.h"

namespace onehop::upstream {

class RingHash final : public Hashed {
 public:
  static constexpr uint64_t kPoints = 1024;
  static constexpr uint64_t kMostPoints = 65536;

  explicit RingHash(const Balancing& balancing) : Hashed(balancing) {}

  std::optional<size_t> pick(std::span<const Candidate> candidates, const PickBy& by) override;

 private:
  void build(std::span<const Placed> placed) override;

  // Sorted; where it is on the circle, and in the lower half whose it is.
  std::vector<uint64_t> points_;
};

}  // namespace onehop::upstream
