// SPDX-License-Identifier: MIT
// Draw: candidates by chance, from a seed. Each is as likely as its weight says, and less so while
// it has failed of late.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "onehop/base/chance.h"
#include "onehop/upstream/balancer.h"

namespace onehop::upstream {

class Draw {
 public:
  explicit Draw(uint64_t seed) : chance_(seed) {}

  // Two different ones that are not out(); fewer where there are not so many.
  struct Two {
    std::optional<size_t> first;
    std::optional<size_t> second;
  };
  Two two(std::span<const Candidate> candidates);

 private:
  Chance chance_;
};

}  // namespace onehop::upstream
