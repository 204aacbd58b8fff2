// SPDX-License-Identifier: MIT
#include "penalties.h"

#include <algorithm>
#include <cmath>

namespace onehop::upstream {
namespace {

constexpr double kMost = 1'000'000;  // requests

}  // namespace

double Penalties::Level::left(uint64_t now_ms) const {
  return requests * std::exp2(-static_cast<double>(now_ms - at_ms) / kHalfLifeMs);
}

void Penalties::add(size_t endpoint, uint64_t now_ms) {
  Level& level = levels_[endpoint];
  level = {std::min(level.left(now_ms) + kRequestsPerFailure, kMost), now_ms};
  any_ = true;
}

void Penalties::update(std::span<Candidate> candidates, uint64_t now_ms) {
  any_ = false;
  for (size_t i = 0; i < candidates.size(); ++i) {
    candidates[i].failures =
        static_cast<uint32_t>(levels_[i].left(now_ms) * Candidate::kFailureUnits);
    any_ |= candidates[i].failures > 0;
  }
}

}  // namespace onehop::upstream
