// SPDX-License-Identifier: MIT
// Budget: a peer may do something costly so many times at once, and so many times a second. For
// what has no natural number, but a rate that nobody honest comes near.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace onehop::http {

class Budget {
 public:
  constexpr Budget(uint32_t burst, uint32_t per_second)
      : left_ms_(uint64_t{burst} * 1000), most_ms_(left_ms_), per_second_(per_second) {}

  // False: it is used up.
  bool take(uint64_t now_ms, uint64_t times = 1) noexcept {
    if (last_ms_ != 0) left_ms_ = std::min(most_ms_, left_ms_ + (now_ms - last_ms_) * per_second_);
    last_ms_ = now_ms;
    if (left_ms_ < times * 1000) return false;
    left_ms_ -= times * 1000;
    return true;
  }

  // What the peer does is the answer to so many of ours.
  void earn(uint32_t times) noexcept {
    left_ms_ = std::min(most_ms_, left_ms_ + uint64_t{times} * 1000);
  }

 private:
  uint64_t left_ms_;  // in thousandths, so that a millisecond can earn a part of one
  uint64_t most_ms_;
  uint64_t per_second_;
  uint64_t last_ms_ = 0;
};

// The interim responses (1xx) to one request. Heartbeats (102) and the progress of an upload (104)
// come for as long as the request lasts, so only their rate says that an endpoint has gone astray.
// The bytes are those of heads, of which the largest that any limit allows always fits.
class InterimBudget {
 public:
  bool take(size_t head_bytes, uint64_t now_ms) noexcept {
    return heads_.take(now_ms) && bytes_.take(now_ms, head_bytes);
  }

 private:
  Budget heads_{256, 100};
  Budget bytes_{2 * 1024 * 1024, 512 * 1024};
};

}  // namespace onehop::http
