// SPDX-License-Identifier: MIT
#include "onehop/upstream/endurance.h"

#include "tests/support/catch.h"

namespace onehop::upstream {
namespace {

TEST_CASE("what an endpoint takes on one connection is learnt, and doubted when one held out") {
  Endurance endurance;
  CHECK(endurance.requests() == UINT64_MAX);
  endurance.held(1'000'000);
  CHECK(endurance.requests() == UINT64_MAX);
  endurance.ended_after(100);
  CHECK(endurance.requests() == 100);
  endurance.held(99);
  CHECK(endurance.requests() == 100);
  endurance.held(100);
  CHECK(endurance.requests() == 200);
}

TEST_CASE("an endpoint that took nothing on a connection is given one request on the next") {
  Endurance endurance;
  endurance.ended_after(0);
  CHECK(endurance.requests() == 1);
  for (int i = 0; i < 64; ++i) endurance.held(UINT64_MAX - 1);
  CHECK(endurance.requests() == UINT64_MAX);
}

}  // namespace
}  // namespace onehop::upstream
