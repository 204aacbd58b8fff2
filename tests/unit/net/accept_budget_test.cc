// SPDX-License-Identifier: MIT
#include "src/net/accept_budget.h"

#include "tests/support/catch.h"

namespace onehop::net {
namespace {

void spend(AcceptBudget& budget, int turns) {
  for (int i = 0; i < turns; ++i) budget.spent();
}

TEST_CASE("clients that come one by one are accepted one in a turn") {
  AcceptBudget budget;
  CHECK(budget.size() == 1);
  spend(budget, AcceptBudget::kPatience - 1);
  CHECK(budget.size() == 1);
}

TEST_CASE("a queue that is never found empty gets twice the budget, up to its bound") {
  AcceptBudget budget;
  spend(budget, AcceptBudget::kPatience);
  CHECK(budget.size() == 2);
  spend(budget, AcceptBudget::kPatience);
  CHECK(budget.size() == 4);
  spend(budget, 100 * AcceptBudget::kPatience);
  CHECK(budget.size() == AcceptBudget::kMost);
}

TEST_CASE("an empty queue brings the budget back to one, and the turns are counted anew") {
  AcceptBudget budget;
  spend(budget, 2 * AcceptBudget::kPatience + AcceptBudget::kPatience - 1);
  budget.found_empty();
  CHECK(budget.size() == 1);
  budget.spent();
  CHECK(budget.size() == 1);
}

}  // namespace
}  // namespace onehop::net
