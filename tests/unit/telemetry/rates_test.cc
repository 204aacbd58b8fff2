// SPDX-License-Identifier: MIT
#include "onehop/telemetry/rates.h"

#include <cmath>

#include "tests/support/catch.h"

namespace onehop::telemetry {
namespace {

constexpr uint64_t kStart = 5 * kSecondNs;

// One counter that grows by `per_second` for `seconds` seconds, sampled each second.
RateSeries steady(uint64_t per_second, uint64_t seconds) {
  RateSeries series(0, kStart);
  for (uint64_t s = 1; s <= seconds; ++s) series.sample(s * per_second, kStart + s * kSecondNs);
  return series;
}

TEST_CASE("a counter that grows steadily has the same rate over every window") {
  const Rates rates = steady(100, 120).rates(12'000, kStart + 120 * kSecondNs);
  CHECK(rates.last_1s == 100);
  CHECK(rates.last_10s == 100);
  CHECK(rates.last_60s == 100);
  CHECK(rates.peak == 100);
}

TEST_CASE("a burst fades from the short windows first and stays in the peak") {
  RateSeries series(0, kStart);
  for (uint64_t s = 1; s <= 30; ++s) series.sample(s >= 20 ? 600U : 0U, kStart + s * kSecondNs);
  const Rates soon = series.rates(600, kStart + 30 * kSecondNs);
  CHECK(soon.last_1s == 0);
  CHECK(soon.last_10s == 0);
  CHECK(soon.last_60s == 20);  // 600 in the 30 seconds that the program has lived
  CHECK(soon.peak == 600);
}

TEST_CASE("events after the last sample count, over the time that really passed") {
  const RateSeries series = steady(100, 10);
  // 0.4 s after the tenth sample the sample nearest to one second ago is the ninth, 1.4 s old.
  const Rates rates = series.rates(1'180, kStart + 10 * kSecondNs + 400'000'000);
  CHECK(std::abs(rates.last_1s - 280 / 1.4) < 1e-9);
}

TEST_CASE("the peak is never below the rate of the last second") {
  const RateSeries series(0, kStart);
  const Rates rates = series.rates(40, kStart + kSecondNs / 2);
  CHECK(rates.last_1s == 80);
  CHECK(rates.peak == 80);
}

TEST_CASE("a sample that comes late makes the rate coarser, not larger") {
  RateSeries series(0, kStart);
  series.sample(100, kStart + kSecondNs);
  series.sample(600, kStart + 6 * kSecondNs);
  const Rates rates = series.rates(600, kStart + 6 * kSecondNs);
  CHECK(rates.peak == 100);
  CHECK(rates.last_10s == 100);
}

TEST_CASE("the first moments do not blow a handful of events up to a huge rate") {
  const RateSeries series(0, kStart);
  CHECK(series.rates(3, kStart).last_1s == 6);
  CHECK(series.rates(3, kStart + 1'000'000).last_60s == 6);
}

TEST_CASE("the minute rate holds after hours") {
  const RateSeries series = steady(7, 7'200);
  CHECK(series.rates(7 * 7'200, kStart + 7'200 * kSecondNs).last_60s == 7);
}

}  // namespace
}  // namespace onehop::telemetry
