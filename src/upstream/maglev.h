// SPDX-License-Identifier: MIT
// Maglev hashing (Eisenbud et al., "Maglev: A fast and reliable software network load balancer",
// 3.4): a table of kSize places that endpoints fill in turn, each by a permutation of its own, as
// often as its weight says. Shares are exact to a place or two, where those of a ring are so by
// chance; and a pick looks at one place. The price: when an endpoint goes, a few keys move between
// others, too, and the next one on the way of a key is not the one that has it later.
#pragma once

#include <vector>

#include "hashed.h"

namespace onehop::upstream {

class Maglev final : public Hashed {
 public:
  static constexpr uint32_t kSize = 65537;  // a prime, so that any step goes through all places

  explicit Maglev(const Balancing& balancing) : Hashed(balancing) {}

  std::optional<size_t> pick(std::span<const Candidate> candidates, const PickBy& by) override;

 private:
  void build(std::span<const Placed> placed) override;

  std::vector<uint32_t> table_;  // candidates
};

}  // namespace onehop::upstream
