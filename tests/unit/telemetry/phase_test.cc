// SPDX-License-Identifier: MIT
#include "onehop/telemetry/phase.h"

#include <random>

#include "tests/support/catch.h"

namespace onehop::telemetry {
namespace {

TEST_CASE("the phases sum to the total, whatever the order in which they are entered") {
  constexpr uint64_t kSeed = 74;
  INFO("seed " << kSeed);
  std::mt19937_64 random(kSeed);
  for (int round = 0; round < 500; ++round) {
    uint64_t now = random() % 1'000'000'000;
    const uint64_t begin = now;
    uint64_t worked = 0;
    Doing doing = Doing::work;
    PhaseClock clock;
    clock.start(now, Phase::request_head_read, doing);
    for (uint64_t steps = random() % 30; steps > 0; --steps) {
      const uint64_t elapsed = random() % 10'000'000;
      now += elapsed;
      if (doing == Doing::work) worked += elapsed;
      doing = random() % 2 == 0 ? Doing::work : Doing::wait;
      clock.enter(static_cast<Phase>(random() % kPhaseCount), doing, now);
    }
    clock.stop(now);
    uint64_t sum = 0;
    for (size_t i = 0; i < kPhaseCount; ++i) sum += clock.spent(static_cast<Phase>(i));
    REQUIRE(clock.total() == now - begin);
    REQUIRE(sum == clock.total());
    REQUIRE(clock.proxy_overhead() == worked);
  }
}

TEST_CASE("time is charged to the phase that is left") {
  PhaseClock clock;
  clock.start(100, Phase::request_head_read, Doing::wait);
  clock.enter(Phase::connect, Doing::wait, 130);
  clock.enter(Phase::response_body, Doing::work, 200);
  clock.stop(205);
  CHECK(clock.spent(Phase::request_head_read) == 30);
  CHECK(clock.spent(Phase::connect) == 70);
  CHECK(clock.spent(Phase::response_body) == 5);
  CHECK(clock.proxy_overhead() == 5);
}

TEST_CASE("a clock that starts again has forgotten the exchange before") {
  PhaseClock clock;
  clock.start(0, Phase::connect, Doing::work);
  clock.stop(50);
  clock.start(100, Phase::response_wait, Doing::wait);
  clock.stop(101);
  CHECK(clock.total() == 1);
  CHECK(clock.spent(Phase::connect) == 0);
  CHECK(clock.proxy_overhead() == 0);
  CHECK(clock.started_at() == 100);
}

TEST_CASE("what a request took in all goes on where the clock of its next endpoint begins") {
  PhaseClock clock;
  clock.start(100, Phase::request_head_read, Doing::work);
  clock.enter(Phase::connect, Doing::wait, 200);
  clock.restart(1000, Phase::route_and_queue_wait, Doing::work);
  clock.stop(1500);
  CHECK(clock.total() == 500);
  CHECK(clock.spent(Phase::connect) == 0);
  CHECK(clock.since_began() == 1400);
}

}  // namespace
}  // namespace onehop::telemetry
