// SPDX-License-Identifier: MIT
#include "src/http/budget.h"

#include "tests/support/catch.h"

namespace onehop::http {
namespace {

constexpr uint64_t kStart = 1000;

TEST_CASE("a budget is its burst at once, and then what a second gives") {
  Budget budget(3, 2);
  for (int i = 0; i < 3; ++i) CHECK(budget.take(kStart));
  CHECK_FALSE(budget.take(kStart));
  CHECK_FALSE(budget.take(kStart + 499));
  for (int i = 0; i < 2; ++i) CHECK(budget.take(kStart + 1000));
  CHECK(budget.take(kStart + 1500));
  CHECK_FALSE(budget.take(kStart + 1500));
}

TEST_CASE("a budget that nobody used holds its burst and no more") {
  Budget budget(3, 2);
  CHECK(budget.take(kStart));
  for (int i = 0; i < 3; ++i) CHECK(budget.take(kStart + 3'600'000));
  CHECK_FALSE(budget.take(kStart + 3'600'000));
}

TEST_CASE("what is dear takes several at a time, and all of them or none") {
  Budget budget(10, 1);
  CHECK_FALSE(budget.take(kStart, 11));
  CHECK(budget.take(kStart, 7));
  CHECK_FALSE(budget.take(kStart, 4));
  CHECK(budget.take(kStart, 3));
}

TEST_CASE("interim responses pass a hundred at once, and fifty a second for a day") {
  InterimBudget budget;
  uint64_t now = kStart;
  bool all = true;
  for (int i = 0; i < 100; ++i) all &= budget.take(500, now);
  for (int second = 0; second < 86'400; ++second) {
    now += 1000;
    for (int i = 0; i < 50; ++i) all &= budget.take(500, now);
  }
  CHECK(all);
}

TEST_CASE("interim responses without a pause end, by their number or by their bytes") {
  const size_t bytes = GENERATE(size_t{30}, size_t{60'000});
  InterimBudget budget;
  int passed = 0;
  while (passed < 100'000 && budget.take(bytes, kStart + static_cast<uint64_t>(passed) / 100))
    ++passed;
  CHECK(passed < 1000);
  CHECK(static_cast<size_t>(passed) * bytes < 4'000'000);
}

TEST_CASE("the largest interim head that any limit allows passes") {
  InterimBudget budget;
  CHECK(budget.take(1024 * 1024, kStart));
}

}  // namespace
}  // namespace onehop::http
