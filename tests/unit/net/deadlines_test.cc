// SPDX-License-Identifier: MIT
// The timing wheel against what it promises: never early, at most one slot late, and callbacks may
// do as they like.
#include "onehop/net/deadlines.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <random>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/seed.h"

namespace onehop::net {
namespace {

constexpr uint64_t kSlotMs = 8;
constexpr uint64_t kWheelMs = 1024 * kSlotMs;

// Counts how often it fired, and then does what the test says.
struct Waiter {
  int fired = 0;
  std::function<void()> then;
  Deadline deadline{this, DeadlineThunk<&Waiter::on_deadline>::call};

  void on_deadline() {
    ++fired;
    if (then) then();
  }
};

// Advances one millisecond at a time until `waiter` fires; returns when that was.
uint64_t fires_at(Deadlines& deadlines, const Waiter& waiter, uint64_t from, uint64_t until) {
  for (uint64_t now = from; now <= until; ++now) {
    deadlines.advance(now);
    if (waiter.fired > 0) return now;
  }
  return UINT64_MAX;
}

TEST_CASE("a deadline fires once, never early and at most one slot late") {
  for (const uint64_t start : {uint64_t{0}, uint64_t{5}, uint64_t{123'457}}) {
    for (const uint64_t after : {1, 7, 8, 9, 100, 8191, 8192, 8193, 30'000}) {
      INFO("armed at " << start << " for " << after << " ms later");
      Deadlines deadlines;
      Waiter waiter;
      deadlines.advance(start);
      deadlines.arm(waiter.deadline, start + after);
      const uint64_t at = fires_at(deadlines, waiter, start, start + after + 2 * kSlotMs);
      CHECK(at >= start + after);
      CHECK(at <= start + after + kSlotMs);
      CHECK_FALSE(waiter.deadline.armed());
      deadlines.advance(start + after + 3 * kWheelMs);
      CHECK(waiter.fired == 1);
    }
  }
}

TEST_CASE("a deadline that is due already fires in the next slot") {
  Deadlines deadlines;
  Waiter waiter;
  deadlines.advance(1000);
  deadlines.arm(waiter.deadline, 10);
  deadlines.advance(1000 + kSlotMs);
  CHECK(waiter.fired == 1);
}

TEST_CASE("a time jump of many turns of the wheel fires everything that is due, once") {
  Deadlines deadlines;
  std::vector<Waiter> waiters(50);
  for (size_t i = 0; i < waiters.size(); ++i) {
    deadlines.arm(waiters[i].deadline, (i + 1) * 1000);
  }
  deadlines.advance(40 * 1000 + kSlotMs);
  for (size_t i = 0; i < waiters.size(); ++i) {
    INFO("deadline of second " << i + 1);
    CHECK(waiters[i].fired == (i < 40 ? 1 : 0));
  }
  deadlines.advance(10 * kWheelMs);
  for (const Waiter& waiter : waiters) CHECK(waiter.fired == 1);
}

TEST_CASE("a deadline that is moved fires at its new time alone") {
  for (const uint64_t moved_to : {100, 900}) {
    Deadlines deadlines;
    Waiter waiter;
    deadlines.arm(waiter.deadline, 500);
    deadlines.arm(waiter.deadline, moved_to);
    const uint64_t at = fires_at(deadlines, waiter, 0, 2000);
    CHECK(at >= moved_to);
    CHECK(at <= moved_to + kSlotMs);
    deadlines.advance(5000);
    CHECK(waiter.fired == 1);
  }
}

TEST_CASE("a deadline that is disarmed or destroyed does not fire") {
  Deadlines deadlines;
  Waiter disarmed;
  deadlines.arm(disarmed.deadline, 100);
  CHECK(disarmed.deadline.armed());
  auto destroyed = std::make_unique<Waiter>();
  bool rang = false;
  destroyed->then = [&] { rang = true; };
  deadlines.arm(destroyed->deadline, 100);
  disarmed.deadline.disarm();
  destroyed.reset();
  deadlines.advance(1000);
  CHECK(disarmed.fired == 0);
  CHECK_FALSE(rang);
  CHECK_FALSE(deadlines.next_due_ms().has_value());
}

TEST_CASE("a callback may arm its own deadline again") {
  Deadlines deadlines;
  Waiter waiter;
  uint64_t now = 0;
  waiter.then = [&] { deadlines.arm(waiter.deadline, now + 100); };
  deadlines.arm(waiter.deadline, 100);
  for (now = 0; now <= 1100; ++now) deadlines.advance(now);
  CHECK(waiter.fired >= 9);
  CHECK(waiter.fired <= 10);
}

TEST_CASE("a callback that arms a deadline of the past does not keep the wheel turning for ever") {
  Deadlines deadlines;
  Waiter waiter;
  waiter.then = [&] { deadlines.arm(waiter.deadline, 0); };
  deadlines.arm(waiter.deadline, 10);
  deadlines.advance(100);
  CHECK(waiter.fired == 1);
  deadlines.advance(100 + kSlotMs);
  CHECK(waiter.fired == 2);
}

TEST_CASE("a callback may disarm, destroy or move others that are due with it") {
  Deadlines deadlines;
  Waiter first, disarmed, moved;
  auto destroyed = std::make_unique<Waiter>();
  bool rang = false;
  destroyed->then = [&] { rang = true; };
  first.then = [&] {
    disarmed.deadline.disarm();
    destroyed.reset();
    deadlines.arm(moved.deadline, 500);
  };
  deadlines.arm(first.deadline, 96);
  deadlines.arm(disarmed.deadline, 96);
  deadlines.arm(destroyed->deadline, 96);
  deadlines.arm(moved.deadline, 96);
  deadlines.advance(200);
  CHECK(first.fired == 1);
  CHECK(disarmed.fired == 0);
  CHECK_FALSE(rang);
  CHECK(moved.fired == 0);
  deadlines.advance(500 + kSlotMs);
  CHECK(moved.fired == 1);
}

TEST_CASE("a callback may destroy what its own deadline is a member of") {
  Deadlines deadlines;
  auto waiter = std::make_unique<Waiter>();
  Waiter next;
  waiter->then = [&] { waiter.reset(); };
  deadlines.arm(waiter->deadline, 10);
  deadlines.arm(next.deadline, 10);
  deadlines.advance(100);
  CHECK(waiter == nullptr);
  CHECK(next.fired == 1);
}

TEST_CASE("the wheel says when it wants to be advanced, and that is soon enough") {
  Deadlines deadlines;
  CHECK_FALSE(deadlines.next_due_ms().has_value());
  for (const uint64_t due : {3, 100, 8191, 50'000}) {
    INFO("due at " << due);
    Waiter waiter;
    const uint64_t wanted = deadlines.arm(waiter.deadline, due);
    CHECK(wanted >= due);
    CHECK(wanted <= due + kSlotMs);
    const auto next = deadlines.next_due_ms();
    REQUIRE(next.has_value());
    CHECK(*next <= wanted);
  }
}

// What the wheel is compared with: a list of times.
struct Model {
  Deadlines deadlines;
  std::vector<Waiter> waiters = std::vector<Waiter>(40);
  std::vector<uint64_t> due = std::vector<uint64_t>(40, 0);  // 0: not armed
  uint64_t now = 1000;

  void change(std::mt19937_64& random) {
    const size_t i = random() % waiters.size();
    if (random() % 4 == 0) {
      waiters[i].deadline.disarm();
      due[i] = 0;
      return;
    }
    const uint64_t ranges[] = {20, 500, kWheelMs, 5 * kWheelMs};
    due[i] = now + 1 + random() % ranges[random() % 4];
    deadlines.arm(waiters[i].deadline, due[i]);
  }

  void check() {
    for (size_t i = 0; i < waiters.size(); ++i) {
      INFO("deadline " << i << " due " << due[i] << ", now " << now);
      if (waiters[i].fired > 0) {
        REQUIRE(due[i] != 0);
        REQUIRE(due[i] <= now);
        REQUIRE(waiters[i].fired == 1);
        waiters[i].fired = 0;
        due[i] = 0;
      }
      const bool late = due[i] != 0 && due[i] + kSlotMs <= now;
      REQUIRE_FALSE(late);
      REQUIRE(waiters[i].deadline.armed() == (due[i] != 0));
    }
  }
};

TEST_CASE("after any sequence of arming and advancing every deadline fires in its time") {
  std::mt19937_64 random(test::test_seed());
  INFO("seed " << test::test_seed());
  Model model;
  model.deadlines.advance(model.now);
  for (int step = 0; step < 3000; ++step) {
    model.change(random);
    if (random() % 2 == 0) continue;
    model.now += random() % 20 == 0 ? random() % (3 * kWheelMs) : random() % 30;
    model.deadlines.advance(model.now);
    model.check();
  }
}

}  // namespace
}  // namespace onehop::net
