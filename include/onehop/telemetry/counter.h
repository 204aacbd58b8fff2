// SPDX-License-Identifier: MIT
// Cells that one thread writes and any thread reads. A write is a relaxed load and store, not a
// locked instruction, which is right for a single writer only; readers see each cell whole, and
// different cells a moment apart.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
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

// The cells of one metric: `count` of them, or a single one that is used as itself.
template <class Cell, size_t count>
class Cells {
 public:
  void add(size_t index, uint64_t n = 1) noexcept { cells_[index].add(n); }
  uint64_t value(size_t index) const noexcept { return cells_[index].value(); }
  Cell& operator[](size_t index) noexcept { return cells_[index]; }

 private:
  std::array<Cell, count> cells_;
};
template <class Cell>
class Cells<Cell, 1> : public Cell {};

// What a row of a table of metrics (shard.h, tls.h) makes of a shard: a member.
#define ONEHOP_COUNTER_MEMBER(member, name, label, count, help) Cells<Counter, (count)> member;
#define ONEHOP_GAUGE_MEMBER(member, name, label, count, help) Cells<Gauge, (count)> member;

}  // namespace onehop::telemetry
