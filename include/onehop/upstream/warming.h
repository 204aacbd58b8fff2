// SPDX-License-Identifier: MIT
// How much of its weight an endpoint has while it is warming (`slow_start`).
#pragma once

#include <algorithm>
#include <cstdint>

namespace onehop::upstream {

// All of it, and what there is of it at first: with nothing it would never be asked, and never get
// warm.
constexpr uint32_t kWarm = 1000;
constexpr uint32_t kColdest = 100;

// In thousandths, after so long of so long; 0 is no time at all.
constexpr uint32_t warm_share(uint64_t passed_ms, uint64_t of_ms) {
  if (passed_ms >= of_ms) return kWarm;
  return std::max(static_cast<uint32_t>(passed_ms * kWarm / of_ms), kColdest);
}

// Where it is not warming.
constexpr uint64_t kNotWarming = UINT64_MAX;

}  // namespace onehop::upstream
