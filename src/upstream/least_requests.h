// SPDX-License-Identifier: MIT
// Least requests: the endpoint with the fewest requests in flight for its weight. Ties go round, so
// that an idle service is not served by its first replica alone.
#pragma once

#include "onehop/upstream/balancer.h"

namespace onehop::upstream {

class LeastRequests final : public Balancer {
 public:
  std::optional<size_t> pick(std::span<const Candidate> candidates) override;

 private:
  size_t next_ = 0;  // where the next look begins
};

}  // namespace onehop::upstream
