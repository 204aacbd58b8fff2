// SPDX-License-Identifier: MIT
// BodyPace: until when a request body has to come. There is a grace period, and for every `rate`
// bytes a second more, never more than the grace ahead.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace onehop::proxy {

class BodyPace {
 public:
  void begin(uint64_t now_ms, uint64_t grace_ms) noexcept {
    due_ms_ = now_ms + grace_ms;
    uncounted_bytes_ = 0;
  }

  // `rate` is in bytes per second and not 0.
  void earn(uint64_t bytes, uint64_t rate, uint64_t now_ms, uint64_t grace_ms) noexcept {
    uncounted_bytes_ += bytes;
    const uint64_t earned_ms = uncounted_bytes_ * 1000 / rate;
    if (earned_ms == 0) return;
    uncounted_bytes_ = 0;
    due_ms_ = std::min(due_ms_ + earned_ms, now_ms + grace_ms);
  }

  uint64_t due_ms() const noexcept { return due_ms_; }

 private:
  uint64_t due_ms_ = 0;
  uint64_t uncounted_bytes_ = 0;  // not turned into time yet
};

}  // namespace onehop::proxy
