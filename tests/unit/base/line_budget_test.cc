// SPDX-License-Identifier: MIT
#include "onehop/base/line_budget.h"

#include "tests/support/catch.h"

namespace onehop::log {
namespace {

TEST_CASE("what happens seldom is always said") {
  LineBudget budget;
  for (uint64_t now = 1; now < 5000; now += 120) {
    CHECK(budget.left_out(now).count == 0);
    CHECK(budget.take(now));
  }
}

TEST_CASE("of a burst nine lines are said in any second, and then how many more there were") {
  LineBudget budget;
  uint64_t said = 0;
  uint64_t counted = 0;
  uint64_t happened = 0;
  uint64_t count_lines = 0;
  for (uint64_t now = 5000; now < 8000; ++now) {
    for (int i = 0; i < 10; ++i) {
      const LineBudget::LeftOut left_out = budget.left_out(now);
      counted += left_out.count;
      count_lines += left_out.count > 0;
      ++happened;
      said += budget.take(now);
    }
  }
  CHECK(said == 3 * LineBudget::kLines);
  CHECK(count_lines == 2);
  const LineBudget::LeftOut last = budget.left_out(8001);
  CHECK(last.count > 0);
  CHECK(last.during_ms >= 1000);
  CHECK(said + counted + last.count == happened);
  CHECK(budget.left_out(9999).count == 0);
}

TEST_CASE("the second is any second, not one of the clock") {
  LineBudget budget;
  for (int i = 0; i < 9; ++i) CHECK(budget.take(1990));
  CHECK_FALSE(budget.take(2000));
  CHECK_FALSE(budget.take(2989));
  CHECK(budget.left_out(2990).count == 0);
  CHECK(budget.take(2990));
  CHECK(budget.left_out(3000).count == 2);
}

}  // namespace
}  // namespace onehop::log
