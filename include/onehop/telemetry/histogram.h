// SPDX-License-Identifier: MIT
// A log-linear histogram of durations in nanoseconds: every power of two is cut into 32 equal
// buckets, so that a bucket is at most 1/32 of its value wide and its middle is at most 1/64 (1.6
// %) away from anything in it.
//
//   value      0 .. 1023 ns      one linear stretch of 32 buckets, 32 ns each
//   value   1024 .. 2^42-1 ns    32 octaves x 32 buckets (2^42 ns is 73 minutes)
//   above                        the last bucket; the true maximum is kept beside it
//
// 1,056 buckets of 8 bytes, in pages of 32 that are made when something is first recorded there: an
// octave is a page. A histogram without a record is 24 bytes, one whose records span n octaves some
// 300 and 256 n more: phases of real requests span four to eight. Counts are exact; nothing decays.
// One writer (the worker that owns the shard), any number of readers; see counter.h.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "onehop/telemetry/counter.h"
#include "onehop/telemetry/on_first_use.h"

namespace onehop::telemetry {

constexpr size_t kHistogramBuckets = 1056;
constexpr size_t kHistogramPage = 32;  // buckets
constexpr size_t kHistogramPages = kHistogramBuckets / kHistogramPage;
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
  uint64_t bucket(size_t index) const {
    const uint8_t place = places_[index / kHistogramPage];
    return place == 0 ? 0 : pages_[place - 1][index % kHistogramPage];
  }

  // Calls visit(bucket, count) for each bucket with a record, the lowest first.
  template <class Visit>
  void for_each_bucket(Visit&& visit) const {
    for (size_t page = 0; page < kHistogramPages; ++page) {
      if (places_[page] == 0) continue;
      const Page& counts = pages_[places_[page] - 1];
      for (size_t i = 0; i < kHistogramPage; ++i) {
        if (counts[i] != 0) visit(page * kHistogramPage + i, counts[i]);
      }
    }
  }

 private:
  using Page = std::array<uint64_t, kHistogramPage>;

  uint64_t count_ = 0;
  uint64_t sum_ = 0;
  uint64_t max_ = 0;
  std::vector<Page> pages_;                        // of those with a record
  std::array<uint8_t, kHistogramPages> places_{};  // of each page in pages_, from 1 on; 0: nowhere
};

class Histogram {
 public:
  void record(uint64_t ns) noexcept {
    if constexpr (!kCounting) return;
    const size_t bucket = bucket_of(ns);
    octaves_.get()[bucket / kHistogramPage].get()[bucket % kHistogramPage].add();
    sum_.add(ns);
    if (ns > max_.load(std::memory_order_relaxed)) max_.store(ns, std::memory_order_relaxed);
  }

  // Adds this histogram to `into`. Never blocks the writer; a record that is being made may be seen
  // in part (its bucket but not yet its sum), never twice. The count is the sum of the buckets, so
  // it always agrees with them.
  void merge_into(HistogramValues& into) const;

  // Of all records. Any thread.
  uint64_t sum_ns() const noexcept { return sum_.value(); }

  // Of its pages, for the documents and the test.
  size_t held_bytes() const;

 private:
  using Page = std::array<Counter, kHistogramPage>;

  OnFirstUse<std::array<OnFirstUse<Page>, kHistogramPages>> octaves_;
  Counter sum_;
  std::atomic<uint64_t> max_{0};
};

}  // namespace onehop::telemetry
