// SPDX-License-Identifier: MIT
// The histogram promises exact counts and percentiles within 2 %: both are checked against the
// sorted records themselves.
#include "onehop/telemetry/histogram.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "tests/support/catch.h"

namespace onehop::telemetry {
namespace {

constexpr uint64_t kUs = 1000;
constexpr uint64_t kHour = 3'600'000'000'000;
constexpr double kFractions[] = {0.001, 0.1, 0.5, 0.9, 0.95, 0.99, 0.999, 1.0};

HistogramValues values_of(const std::vector<uint64_t>& records) {
  Histogram histogram;
  for (const uint64_t ns : records) histogram.record(ns);
  HistogramValues values;
  histogram.merge_into(values);
  return values;
}

// The smallest record such that at least ceil(fraction * count) are at or below it, by counting.
uint64_t exact_percentile(std::vector<uint64_t> records, double fraction) {
  std::sort(records.begin(), records.end());
  size_t index = 0;
  while (static_cast<double>(index + 1) < fraction * static_cast<double>(records.size()) - 1e-6) {
    ++index;
  }
  return records[index];
}

void check_percentiles(const std::vector<uint64_t>& records) {
  const HistogramValues values = values_of(records);
  const uint64_t max = *std::max_element(records.begin(), records.end());
  REQUIRE(values.count() == records.size());
  REQUIRE(values.max_ns() == max);
  for (const double fraction : kFractions) {
    const auto exact = static_cast<double>(exact_percentile(records, fraction));
    const uint64_t found = values.percentile_ns(fraction);
    INFO("fraction " << fraction << ", exact " << exact << ", found " << found);
    CHECK(std::abs(static_cast<double>(found) - exact) <= 0.02 * exact);
    CHECK(found <= max);
  }
}

std::vector<uint64_t> drawn(const std::function<double(std::mt19937_64&)>& draw, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<uint64_t> records;
  for (int i = 0; i < 20'000; ++i) {
    const double ns = draw(random);
    records.push_back(std::clamp(static_cast<uint64_t>(ns), kUs, kHour));
  }
  return records;
}

TEST_CASE("every bucket begins where the one before it ends, and holds both of its ends") {
  for (size_t i = 0; i < kHistogramBuckets; ++i) {
    INFO("bucket " << i);
    REQUIRE(bucket_floor(i) < bucket_floor(i + 1));
    REQUIRE(bucket_of(bucket_floor(i)) == i);
    REQUIRE(bucket_of(bucket_floor(i + 1) - 1) == i);
  }
  CHECK(bucket_floor(kHistogramBuckets) == kHistogramLimitNs + 1);
  CHECK(kHistogramLimitNs >= kHour);
}

TEST_CASE("a value above the limit is counted in the last bucket") {
  CHECK(bucket_of(kHistogramLimitNs + 1) == kHistogramBuckets - 1);
  CHECK(bucket_of(UINT64_MAX) == kHistogramBuckets - 1);
}

TEST_CASE("a single record is found within two percent at both ends of every bucket") {
  for (size_t i = bucket_of(kUs); i <= bucket_of(kHour); ++i) {
    for (const uint64_t ns : {std::max(bucket_floor(i), kUs), bucket_floor(i + 1) - 1}) {
      const uint64_t found = values_of({ns}).percentile_ns(0.5);
      INFO("recorded " << ns << ", found " << found);
      REQUIRE(std::abs(static_cast<double>(found) - static_cast<double>(ns)) <=
              0.02 * static_cast<double>(ns));
      REQUIRE(found <= ns);
    }
  }
}

TEST_CASE("percentiles of known distributions are within two percent of the exact ones") {
  constexpr uint64_t kSeed = 20260401;
  INFO("seed " << kSeed);
  SECTION("uniform, 1 us to 1 s") {
    check_percentiles(
        drawn([](auto& random) { return std::uniform_real_distribution<double>(1e3, 1e9)(random); },
              kSeed));
  }
  SECTION("exponential, mean 3 ms") {
    check_percentiles(
        drawn([](auto& random) { return std::exponential_distribution<double>(1 / 3e6)(random); },
              kSeed));
  }
  SECTION("log-normal, median 1 ms, a long tail") {
    check_percentiles(drawn(
        [](auto& random) { return std::lognormal_distribution<double>(std::log(1e6), 2)(random); },
        kSeed));
  }
  SECTION("log-uniform over the whole range, 1 us to 1 h") {
    check_percentiles(drawn(
        [](auto& random) {
          return std::exp(
              std::uniform_real_distribution<double>(std::log(1e3), std::log(3.6e12))(random));
        },
        kSeed));
  }
  SECTION("bimodal: reused connections at 200 us, set-ups at 40 ms") {
    check_percentiles(drawn(
        [](auto& random) {
          const bool fresh = std::bernoulli_distribution(0.07)(random);
          return std::normal_distribution<double>(fresh ? 4e7 : 2e5, fresh ? 1e6 : 1e4)(random);
        },
        kSeed));
  }
  SECTION("constant") {
    check_percentiles(std::vector<uint64_t>(1000, 1'234'567));
  }
}

TEST_CASE("the rank is the number of records rounded up, not disturbed by binary fractions") {
  // 100 records in 100 buckets: the seventh percentile is the seventh record although 0.07 * 100
  // > 7.
  std::vector<uint64_t> records;
  for (uint64_t i = 1; i <= 100; ++i) records.push_back(bucket_floor(100 + i));
  const HistogramValues values = values_of(records);
  for (uint64_t percent = 1; percent <= 100; ++percent) {
    INFO(percent << " %");
    CHECK(bucket_of(values.percentile_ns(static_cast<double>(percent) / 100)) == 100 + percent);
  }
  CHECK(bucket_of(values.percentile_ns(0.071)) == 108);
  CHECK(bucket_of(values.percentile_ns(0)) == 101);
}

TEST_CASE("an empty histogram has zeros everywhere") {
  const HistogramValues values;
  CHECK(values.count() == 0);
  CHECK(values.mean_ns() == 0);
  CHECK(values.percentile_ns(0.99) == 0);
  CHECK(values.count_at_most(kHour) == 0);
}

TEST_CASE("a phase that took no time has percentiles of zero, not of half a bucket") {
  const HistogramValues values = values_of({0, 0, 0});
  CHECK(values.percentile_ns(0.5) == 0);
  CHECK(values.max_ns() == 0);
  CHECK(values.count() == 3);
}

TEST_CASE("above the limit the percentile is the true maximum") {
  const uint64_t day = 24 * kHour;
  const HistogramValues values = values_of({kUs, day});
  CHECK(values.percentile_ns(1.0) == day);
  CHECK(values.percentile_ns(0.5) < 2 * kUs);
  CHECK(values.count_at_most(kHistogramLimitNs) == 1);
  CHECK(values.count_at_most(day) == 2);
}

TEST_CASE("count_at_most counts whole buckets and is exact at their edges") {
  const uint64_t edge = bucket_floor(200);
  const HistogramValues values = values_of({edge - 2, edge - 1, edge, edge + 1, kHour});
  CHECK(values.count_at_most(edge - 2) == 0);  // in the middle of a bucket: not its records
  CHECK(values.count_at_most(edge - 1) == 2);
  CHECK(values.count_at_most(edge) == 2);
  CHECK(values.count_at_most(2 * kHour) == 5);
  CHECK(values.count_at_most(UINT64_MAX) == 5);
}

TEST_CASE("merging adds counts and sums and keeps the larger maximum") {
  HistogramValues all = values_of({kUs, 5 * kUs});
  all.add(values_of({7 * kUs}));
  CHECK(all.count() == 3);
  CHECK(all.sum_ns() == 13 * kUs);
  CHECK(all.max_ns() == 7 * kUs);
  CHECK(all.mean_ns() == 13 * kUs / 3);
  all.add_bucket(bucket_of(5 * kUs), 4);
  CHECK(all.count() == 7);
  CHECK(all.bucket(bucket_of(5 * kUs)) == 5);
}

TEST_CASE("a histogram takes the memory that its header states") {
  CHECK(sizeof(Histogram) == 24);
  Histogram histogram;
  CHECK(histogram.held_bytes() == 0);
  for (uint64_t ns = 1024; ns < 16 * 1024; ns += 100) histogram.record(ns);  // four octaves
  CHECK(histogram.held_bytes() == kHistogramPages * sizeof(void*) + 4 * 256);
}

}  // namespace
}  // namespace onehop::telemetry
