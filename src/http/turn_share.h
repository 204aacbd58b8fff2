// SPDX-License-Identifier: MIT
// TurnShare: how much of something is done for one peer in a turn of the loop. The rest waits for
// the next one (Loop::mark_later): whoever sends much of what is small leaves the turn to others.
#pragma once

#include <cstdint>
#include <utility>

namespace onehop::http {

class TurnShare {
 public:
  explicit constexpr TurnShare(uint32_t most) noexcept : most_(most) {}

  // What is left of it in `turn`, which is Loop::turn().
  uint32_t left(uint64_t turn) noexcept {
    if (std::exchange(turn_, turn) != turn) taken_ = 0;
    return most_ - taken_;
  }

  // At most what is left.
  void take(uint32_t count) noexcept { taken_ += count; }

  // One of them. False: none is left.
  bool take_one(uint64_t turn) noexcept {
    if (left(turn) == 0) return false;
    take(1);
    return true;
  }

 private:
  uint32_t most_;
  uint32_t taken_ = 0;  // in turn_
  uint64_t turn_ = 0;
};

}  // namespace onehop::http
