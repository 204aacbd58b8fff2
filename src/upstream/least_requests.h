// SPDX-License-Identifier: MIT
// Least requests: the endpoint that would have the fewest requests in flight for its weight, what
// failed of late counted among them. Among equals, and while nobody has anything to do, it is
// smooth weighted round robin's turn.
#pragma once

#include <vector>

#include "onehop/upstream/balancer.h"

namespace onehop::upstream {

class LeastRequests final : public Balancer {
 public:
  void rebuild(const Members& members) override { credit_ = carried_over(credit_, members.former); }
  std::optional<size_t> pick(std::span<const Candidate> candidates, const PickBy& by) override;

 private:
  std::vector<int64_t> credit_;  // of each candidate in its turn among equals
};

}  // namespace onehop::upstream
