// SPDX-License-Identifier: MIT
#include "receive_window.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "onehop/http/h2.h"

namespace onehop::http::h2 {
namespace {

// 64 KiB have become 4 MiB after three round trips.
constexpr uint64_t kGrowth = 4;

std::atomic<uint64_t> all_grown = 0;

bool take(uint64_t bytes, uint64_t limit) noexcept {
  const uint64_t before = all_grown.fetch_add(bytes, std::memory_order_relaxed);
  if (limit == 0 || before + bytes <= limit) return true;
  all_grown.fetch_sub(bytes, std::memory_order_relaxed);
  return false;
}

}  // namespace

bool ReceiveWindow::came(size_t size, uint64_t turn, bool reader_waits,
                         const WindowLimits& limits) noexcept {
  if (std::exchange(turn_, turn) != turn) {
    keeps_up_ = reader_waits;
    if (!keeps_up_) kept_up_with_ = 0;
  }
  if (!keeps_up_) return false;
  kept_up_with_ += size;
  if (kept_up_with_ < size_ / 2 || size_ >= limits.most) return false;
  kept_up_with_ = 0;
  const auto larger = static_cast<uint32_t>(std::min<uint64_t>(size_ * kGrowth, limits.most));
  if (!take(larger - size_, limits.growth)) return false;
  grown_ += larger - size_;
  size_ = larger;
  return true;
}

void ReceiveWindow::give_back() noexcept {
  if (grown_ > 0) all_grown.fetch_sub(std::exchange(grown_, 0), std::memory_order_relaxed);
}

uint64_t grown_windows() noexcept {
  return all_grown.load(std::memory_order_relaxed);
}

}  // namespace onehop::http::h2
