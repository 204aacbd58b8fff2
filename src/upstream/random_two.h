// SPDX-License-Identifier: MIT
// The less loaded of two that chance has drawn by weight. Chance alone lets some have twice the
// load of others; a second look takes nearly all of that away (Mitzenmacher, "The power of two
// choices"), and workers, or several onehops, that know nothing of each other do not all run to the
// one that looks idle to each of them.
#pragma once

#include "draw.h"
#include "onehop/upstream/balancer.h"

namespace onehop::upstream {

class RandomTwo final : public Balancer {
 public:
  explicit RandomTwo(uint64_t seed) : draw_(seed) {}
  void rebuild(const Members&) override {}
  std::optional<size_t> pick(std::span<const Candidate> candidates, const PickBy& by) override;

 private:
  Draw draw_;
};

}  // namespace onehop::upstream
