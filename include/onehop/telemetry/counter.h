// SPDX-License-Identifier: MIT
// Cells that one thread writes and any thread reads. A write is a relaxed load and store, not a
// locked instruction, which is right for a single writer only; readers see each cell whole, and
// different cells a moment apart.
#pragma once

#include <atomic>
#include <cstdint>

namespace onehop::telemetry {

// Off only in the build that measures what counting costs (docs/benchmarks.md): nothing is counted
// or stamped then, and the admin endpoint shows zeros.
#ifdef ONEHOP_WITHOUT_TELEMETRY
constexpr bool kCounting = false;
#else
constexpr bool kCounting = true;
#endif

// Goes up, never resets.
class Counter {
 public:
  void add(uint64_t n = 1) noexcept {
    if constexpr (!kCounting) return;
    cell_.store(cell_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  uint64_t value() const noexcept { return cell_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> cell_{0};
};

// Goes up and down.
class Gauge {
 public:
  void add(int64_t n) noexcept {
    cell_.store(cell_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  int64_t value() const noexcept { return cell_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> cell_{0};
};

}  // namespace onehop::telemetry
