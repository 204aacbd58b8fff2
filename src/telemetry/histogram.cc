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
  uint64_t found = max_;  // the last bucket has no upper end
  for_each_bucket([&](size_t bucket, uint64_t count) {
    if (seen < rank && seen + count >= rank && bucket + 1 < kHistogramBuckets) {
      const uint64_t low = bucket_floor(bucket);
      found = std::min(low + (bucket_floor(bucket + 1) - low) / 2, max_);
    }
    seen += count;
  });
  return found;
}

uint64_t HistogramValues::count_at_most(uint64_t ns) const {
  uint64_t total = 0;
  for_each_bucket([&](size_t bucket, uint64_t count) {
    // The last bucket holds everything up to the maximum.
    const bool last = bucket + 1 == kHistogramBuckets;
    const bool within =
        last ? ns >= kHistogramLimitNs && max_ <= ns : bucket_floor(bucket + 1) - 1 <= ns;
    if (within) total += count;
  });
  return total;
}

void HistogramValues::add(const HistogramValues& other) {
  other.for_each_bucket([&](size_t bucket, uint64_t count) { add_bucket(bucket, count); });
  add_totals(other.sum_, other.max_);
}

void HistogramValues::add_bucket(size_t bucket, uint64_t n) {
  ONEHOP_ASSERT(bucket < kHistogramBuckets);
  uint8_t& place = places_[bucket / kHistogramPage];
  if (place == 0) {
    pages_.emplace_back();
    place = static_cast<uint8_t>(pages_.size());
  }
  pages_[place - 1][bucket % kHistogramPage] += n;
  count_ += n;
}

void HistogramValues::add_totals(uint64_t sum_ns, uint64_t max_ns) {
  sum_ += sum_ns;
  max_ = std::max(max_, max_ns);
}

void Histogram::merge_into(HistogramValues& into) const {
  const auto* octaves = octaves_.if_made();
  if (octaves == nullptr) return;
  uint64_t floor_of_highest = 0;
  for (size_t page = 0; page < kHistogramPages; ++page) {
    const Page* counts = (*octaves)[page].if_made();
    if (counts == nullptr) continue;
    for (size_t i = 0; i < kHistogramPage; ++i) {
      const uint64_t n = (*counts)[i].value();
      if (n == 0) continue;
      into.add_bucket(page * kHistogramPage + i, n);
      floor_of_highest = bucket_floor(page * kHistogramPage + i);
    }
  }
  // A record seen in its bucket but not yet in the maximum must not make the maximum smaller than
  // the bucket says.
  into.add_totals(sum_.value(), std::max(max_.load(std::memory_order_relaxed), floor_of_highest));
}

size_t Histogram::held_bytes() const {
  const auto* octaves = octaves_.if_made();
  if (octaves == nullptr) return 0;
  size_t bytes = sizeof(*octaves);
  for (const auto& page : *octaves) bytes += page.if_made() != nullptr ? sizeof(Page) : 0;
  return bytes;
}

}  // namespace onehop::telemetry
