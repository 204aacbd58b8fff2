// SPDX-License-Identifier: MIT
#include "onehop/base/chance.h"

#include <algorithm>

#include "tests/support/catch.h"

namespace onehop {
namespace {

TEST_CASE("the same seed gives the same numbers, another one others") {
  Chance one(7);
  Chance same(7);
  Chance other(8);
  int different = 0;
  for (int i = 0; i < 100; ++i) {
    const uint64_t number = one.below(1'000'000);
    CHECK(number < 1'000'000);
    CHECK(number == same.below(1'000'000));
    different += number != other.below(1'000'000) ? 1 : 0;
  }
  CHECK(different > 90);
  CHECK(one.below(1) == 0);
}

TEST_CASE("a value that is spread stays within its part, and comes near both ends") {
  Chance chance(0);
  uint64_t least = UINT64_MAX;
  uint64_t most = 0;
  for (int i = 0; i < 1000; ++i) {
    const uint64_t spread = chance.around(1000, 10);
    least = std::min(least, spread);
    most = std::max(most, spread);
  }
  CHECK(least >= 900);
  CHECK(least < 910);
  CHECK(most <= 1100);
  CHECK(most > 1090);
  CHECK(chance.around(5, 10) == 5);
}

}  // namespace
}  // namespace onehop
