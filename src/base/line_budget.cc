// SPDX-License-Identifier: MIT
#include "onehop/base/line_budget.h"

#include <utility>

namespace onehop::log {

bool LineBudget::take(uint64_t now_ms) noexcept {
  uint64_t& oldest = said_ms_[oldest_];
  if (oldest != 0 && now_ms - oldest < kPeriodMs) {
    if (left_out_++ == 0) since_ms_ = now_ms;
    return false;
  }
  oldest = now_ms;
  oldest_ = (oldest_ + 1) % kLines;
  return true;
}

LineBudget::LeftOut LineBudget::left_out(uint64_t now_ms) noexcept {
  if (left_out_ == 0 || now_ms - since_ms_ < kPeriodMs) return {};
  return rest(now_ms);
}

LineBudget::LeftOut LineBudget::rest(uint64_t now_ms) noexcept {
  if (left_out_ == 0) return {};
  return {std::exchange(left_out_, 0), now_ms - since_ms_};
}

bool LineBudget::is_over(uint64_t now_ms) const noexcept {
  const uint64_t last = said_ms_[(oldest_ + kLines - 1) % kLines];
  return left_out_ == 0 && now_ms >= last + kPeriodMs;
}

}  // namespace onehop::log
