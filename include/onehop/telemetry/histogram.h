// SPDX-License-Identifier: MIT
// A log-linear histogram of durations in nanoseconds: every power of two is cut into 32 equal
// buckets, so that a bucket is at most 1/32 of its value wide and its middle is at most 1/64 (1.6
// %) away from anything in it.
//
//   value      0 .. 1023 ns      one linear stretch of 32 buckets, 32 ns each
//   value   1024 .. 2^42-1 ns    32 octaves x 32 buckets (2^42 ns is 73 minutes)
//   above                        the last bucket; the true maximum is kept beside it
//
// 1,056 buckets of 8 bytes and two more cells: 8,464 bytes, fixed, whatever is recorded. Counts are
// exact; nothing decays. One writer (the worker that owns the shard), any number of readers; see
// counter.h.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "onehop/telemetry/counter.h"

namespace onehop::telemetry {

constexpr size_t kHistogramBuckets = 1056;
constexpr uint64_t kHistogramLimitNs = (uint64_t{1} << 42) - 1;

// The bucket of a value, and the lowest value of a bucket. bucket_floor(kHistogramBuckets) is the
// end of the last one.
constexpr size_t bucket_of(uint64_t ns) noexcept {
  if (ns > kHistogramLimitNs) ns = kHistogramLimitNs;
  if (ns < 1024) return static_cast<size_t>(ns >> 5);
  const auto exponent = static_cast<unsigned>(std::bit_width(ns)) - 1;  // 10 .. 41
  return 32 + (exponent - 10) * size_t{32} + static_cast<size_t>((ns >> (exponent - 5)) & 31);
}
constexpr uint64_t bucket_floor(size_t bucket) noexcept {
  if (bucket < 32) return bucket * 32;
  const size_t exponent = 10 + (bucket - 32) / 32;
  return (32 + (bucket - 32) % 32) << (exponent - 5);
}

// A merged copy: plain numbers, no atomics.
class HistogramValues {
 public:
  uint64_t count() const { return count_; }
  uint64_t sum_ns() const { return sum_; }
  uint64_t max_ns() const { return max_; }
  uint64_t mean_ns() const { return count_ == 0 ? 0 : sum_ / count_; }

  // The value below which `fraction` (0 to 1) of the records lie: the middle of its bucket, never
  // above the true maximum. 0 when empty.
  uint64_t percentile_ns(double fraction) const;

  // How many records are in buckets that end at or below `ns`, for cumulative exposition.
  uint64_t count_at_most(uint64_t ns) const;

  void add(const HistogramValues& other);
  void add_bucket(size_t bucket, uint64_t n);
  void add_totals(uint64_t sum_ns, uint64_t max_ns);
  uint64_t bucket(size_t index) const { return buckets_[index]; }

 private:
  friend class Histogram;
  uint64_t count_ = 0;
  uint64_t sum_ = 0;
  uint64_t max_ = 0;
  std::array<uint64_t, kHistogramBuckets> buckets_{};
};

class Histogram {
 public:
  void record(uint64_t ns) noexcept {
    if constexpr (!kCounting) return;
    buckets_[bucket_of(ns)].add();
    sum_.add(ns);
    if (ns > max_.load(std::memory_order_relaxed)) max_.store(ns, std::memory_order_relaxed);
  }

  // Adds this histogram to `into`. Never blocks the writer; a record that is being made may be seen
  // in part (its bucket but not yet its sum), never twice. The count is the sum of the buckets, so
  // it always agrees with them.
  void merge_into(HistogramValues& into) const;

 private:
  std::array<Counter, kHistogramBuckets> buckets_;
  Counter sum_;
  std::atomic<uint64_t> max_{0};
};

}  // namespace onehop::telemetry
