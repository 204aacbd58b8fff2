// SPDX-License-Identifier: MIT
// The reading half of the histogram: merging, and what can be said of a distribution when only its
// buckets are known.
#include "onehop/telemetry/histogram.h"

#include <algorithm>
#include <cmath>

#include "onehop/base/assert.h"

namespace onehop::telemetry {

namespace {

// How many records lie at or below the wanted percentile. The product of a decimal fraction and a
// count may come out a hair above the whole number that is meant (0.07 * 100 = 7.000000000000001),
// so a hair is taken off before rounding up.
uint64_t rank_of(double fraction, uint64_t count) {
  constexpr double kHair = 1e-12;
  const double wanted = fraction * static_cast<double>(count) * (1.0 - kHair);
  if (!(wanted > 1.0)) return 1;
  return std::min(static_cast<uint64_t>(std::ceil(wanted)), count);
}

}  // namespace

uint64_t HistogramValues::percentile_ns(double fraction) const {
  if (count_ == 0) return 0;
  const uint64_t rank = rank_of(fraction, count_);
  uint64_t seen = 0;
  for (size_t i = 0; i + 1 < kHistogramBuckets; ++i) {
    seen += buckets_[i];
    if (seen < rank) continue;
    const uint64_t low = bucket_floor(i);
    return std::min(low + (bucket_floor(i + 1) - low) / 2, max_);
  }
  return max_;  // the last bucket has no upper end
}

uint64_t HistogramValues::count_at_most(uint64_t ns) const {
  uint64_t count = 0;
  for (size_t i = 0; i + 1 < kHistogramBuckets && bucket_floor(i + 1) - 1 <= ns; ++i) {
    count += buckets_[i];
  }
  // The last bucket holds everything up to the maximum.
  if (ns >= kHistogramLimitNs && max_ <= ns) count += buckets_[kHistogramBuckets - 1];
  return count;
}

void HistogramValues::add(const HistogramValues& other) {
  for (size_t i = 0; i < kHistogramBuckets; ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  add_totals(other.sum_, other.max_);
}

void HistogramValues::add_bucket(size_t bucket, uint64_t n) {
  ONEHOP_ASSERT(bucket < kHistogramBuckets);
  buckets_[bucket] += n;
  count_ += n;
}

void HistogramValues::add_totals(uint64_t sum_ns, uint64_t max_ns) {
  sum_ += sum_ns;
  max_ = std::max(max_, max_ns);
}

void Histogram::merge_into(HistogramValues& into) const {
  uint64_t floor_of_highest = 0;
  for (size_t i = 0; i < kHistogramBuckets; ++i) {
    const uint64_t n = buckets_[i].value();
    if (n == 0) continue;
    into.add_bucket(i, n);
    floor_of_highest = bucket_floor(i);
  }
  // A record seen in its bucket but not yet in the maximum must not make the maximum smaller than
  // the bucket says.
  into.add_totals(sum_.value(), std::max(max_.load(std::memory_order_relaxed), floor_of_highest));
}

}  // namespace onehop::telemetry
