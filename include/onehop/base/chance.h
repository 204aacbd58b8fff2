// SPDX-License-Identifier: MIT
// Chance: numbers that look random, the same ones for the same seed. For spreading things in time
// and among endpoints; nothing that is to be secret.
#pragma once

#include <cstdint>

#include "onehop/base/hash.h"

namespace onehop {

class Chance {
 public:
  explicit constexpr Chance(uint64_t seed) noexcept : state_(seed) {}

  // 0 to limit - 1; `limit` is at least 1. The bias of the remainder is limit / 2^64 at most.
  constexpr uint64_t below(uint64_t limit) noexcept {
    state_ += 0x9E3779B97F4A7C15u;
    return mixed(state_) % limit;
  }

  // `value`, give or take its `part`th part (1 or more): so that what began together does not go on
  // together.
  constexpr uint64_t around(uint64_t value, uint64_t part) noexcept {
    const uint64_t most = value / part;
    return value - most + below(2 * most + 1);
  }

 private:
  uint64_t state_;
};

}  // namespace onehop
