// SPDX-License-Identifier: MIT
// Smooth weighted round robin: each pick adds every candidate's weight to its credit, takes the one
// with the most credit, and takes the sum of all weights from that one. Weights 5, 1, 1 give a a b
// a c a a, not a a a a a b c.
#pragma once

#include <vector>

#include "onehop/upstream/balancer.h"

namespace onehop::upstream {

class RoundRobin final : public Balancer {
 public:
  void rebuild(const Members& members) override { credit_ = carried_over(credit_, members.former); }
  std::optional<size_t> pick(std::span<const Candidate> candidates, const PickBy& by) override;

 private:
  std::vector<int64_t> credit_;
};

}  // namespace onehop::upstream
