// SPDX-License-Identifier: MIT
#include "hashed.h"

#include <utility>

namespace onehop::upstream {

// The table takes some time to make, so it is made where something of it changes.
void Hashed::rebuild(const Members& members) {
  weights_.assign(members.weights.begin(), members.weights.end());
  std::vector<Placed> placed;
  for (size_t i = 0; i < weights_.size(); ++i)
    placed.push_back({members.keys[i], weights_[i], static_cast<uint32_t>(i)});
  std::ranges::sort(placed, {}, &Placed::key);
  if (placed == placed_) return;
  placed_ = std::move(placed);
  build(placed_);
}

// With the request that is to be placed among them, so that there is room for it somewhere.
Hashed::Bound Hashed::bound_of(std::span<const Candidate> candidates) const {
  double in_flight = 1;
  double weight = 0;
  for (const Candidate& candidate : candidates) {
    if (candidate.out()) continue;
    in_flight += candidate.in_flight;
    weight += candidate.weight;
  }
  if (weight == 0) return {};
  return {in_flight * std::max(factor_, 100u) / 100 / weight};
}

}  // namespace onehop::upstream
