// SPDX-License-Identifier: MIT
#include "http/write_pace.h"

#include "tests/support/catch.h"

namespace onehop::http {
namespace {

constexpr uint64_t kNow = 1000;

TEST_CASE("a client that takes nothing is waited for as long as the grace lasts") {
  for (const uint64_t rate : {uint64_t{0}, uint64_t{240}}) {
    const WritePace::Rule rule{60'000, rate};
    WritePace pace;
    pace.begin(rule, kNow, 500);
    CHECK(pace.left_ms(rule, kNow, 500) == 60'000);
    CHECK(pace.left_ms(rule, kNow + 59'999, 500) == 1);
    CHECK(pace.left_ms(rule, kNow + 60'000, 500) == 0);
  }
}

TEST_CASE("bytes buy time at the minimum rate, and never more than the grace ahead") {
  const WritePace::Rule rule{10'000, 100};
  WritePace pace;
  pace.begin(rule, kNow, 0);
  CHECK(pace.left_ms(rule, kNow + 5000, 100) == 6000);  // 5 s left and one bought
  CHECK(pace.left_ms(rule, kNow + 5000, 100) == 6000);  // not bought again
  CHECK(pace.left_ms(rule, kNow + 6000, 1'000'000) == 10'000);
  CHECK(pace.left_ms(rule, kNow + 16'000, 1'000'000) == 0);
}

TEST_CASE("bytes that are too few for a millisecond are not forgotten") {
  const WritePace::Rule rule{1000, 1'000'000};
  WritePace pace;
  pace.begin(rule, kNow, 0);
  uint64_t taken = 0;
  for (int i = 0; i < 10; ++i) pace.left_ms(rule, kNow + 500, taken += 100);
  CHECK(pace.left_ms(rule, kNow + 500, taken) == 501);
}

TEST_CASE("half the minimum rate is cut after twice the grace, the whole rate never") {
  const WritePace::Rule rule{10'000, 100};
  for (const uint64_t per_second : {uint64_t{50}, uint64_t{100}}) {
    WritePace pace;
    pace.begin(rule, kNow, 0);
    uint64_t second = 0;
    while (second < 1000 && pace.left_ms(rule, kNow + second * 1000, second * per_second) > 0)
      ++second;
    CHECK(second == (per_second == 50 ? 20 : 1000));
  }
}

TEST_CASE("without a minimum rate any byte begins the grace anew") {
  const WritePace::Rule rule{1000, 0};
  WritePace pace;
  pace.begin(rule, kNow, 0);
  for (uint64_t i = 1; i < 100; ++i) CHECK(pace.left_ms(rule, kNow + i * 900, i) == 1000);
}

}  // namespace
}  // namespace onehop::http
