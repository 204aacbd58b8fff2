// SPDX-License-Identifier: MIT
#include "onehop/upstream/idle_tolerance.h"

#include "tests/support/catch.h"

namespace onehop::upstream {
namespace {

constexpr uint64_t kNone = IdleTolerance::kNone;
constexpr uint64_t kMarginMs = 1000;
constexpr uint64_t kConfiguredMs = 60'000;

// An endpoint and its clock.
struct Learning {
  void closed(uint64_t idle_ms) {
    tolerance.closed({.idle_ms = idle_ms, .margin_ms = kMarginMs, .now_ms = now_ms});
  }
  // One more connection that was open at the limit.
  void held() {
    const uint64_t limit = tolerance.limit_ms();
    now_ms += limit;
    tolerance.held({.limit_ms = limit, .configured_ms = kConfiguredMs, .now_ms = now_ms});
  }
  // As many as it takes at first.
  void held_often() {
    for (uint32_t i = 0; i < IdleTolerance::kLeastPatience; ++i) held();
  }
  uint64_t limit() const { return tolerance.limit_ms(); }

  IdleTolerance tolerance;
  uint64_t now_ms = 1'000'000;
};

TEST_CASE("idle connections are given up a margin before the age at which one was closed") {
  Learning learning;
  CHECK(learning.limit() == kNone);
  learning.closed(5000);
  CHECK(learning.limit() == 4000);
  learning.now_ms += 10'000;
  learning.closed(7000);  // one that had rested for longer before the limit was learnt
  CHECK(learning.limit() == 4000);
  learning.now_ms += 10'000;
  learning.closed(3000);
  CHECK(learning.limit() == 2000);
}

TEST_CASE("the margin takes at most half, so that connections are kept all the same") {
  Learning learning;
  learning.closed(300);
  CHECK(learning.limit() == 150);
}

TEST_CASE("a connection that is closed right after its response says nothing of a timeout") {
  Learning learning;
  learning.closed(IdleTolerance::kLeastMs - 1);
  CHECK(learning.limit() == kNone);
}

TEST_CASE("where a connection was open at the limit twice as long is tried, up to what is set") {
  Learning learning;
  learning.closed(5000);
  learning.held();
  CHECK(learning.limit() == 4000);
  for (uint32_t i = 1; i < IdleTolerance::kLeastPatience; ++i) learning.held();
  for (const uint64_t wanted : {8000, 16'000, 32'000}) {
    CHECK(learning.limit() == wanted);
    learning.held_often();
  }
  CHECK(learning.limit() == kNone);
}

TEST_CASE("connections that began to rest together prove the limit once") {
  Learning learning;
  learning.closed(5000);
  learning.now_ms += 10'000;
  for (int i = 0; i < 100; ++i) {
    learning.tolerance.held(
        {.limit_ms = 4000, .configured_ms = kConfiguredMs, .now_ms = learning.now_ms});
  }
  CHECK(learning.limit() == 4000);
  for (uint32_t i = 1; i < IdleTolerance::kLeastPatience; ++i) learning.held();
  CHECK(learning.limit() == 8000);
}

TEST_CASE("a connection that was served after a longer rest proves that the limit is too short") {
  Learning learning;
  learning.tolerance.served_after(10'000);
  CHECK(learning.limit() == kNone);
  learning.closed(5000);
  learning.tolerance.served_after(3000);
  CHECK(learning.limit() == 4000);
  learning.tolerance.served_after(20'000);
  CHECK(learning.limit() == 20'000);
}

TEST_CASE("the more often an endpoint closes at one age, the longer it is believed") {
  Learning learning;
  learning.closed(5000);
  for (uint32_t patience = IdleTolerance::kLeastPatience; patience <= 64; patience *= 2) {
    for (uint32_t i = 1; i < patience; ++i) learning.held();
    CHECK(learning.limit() == 4000);
    learning.held();
    CHECK(learning.limit() == 8000);
    learning.now_ms += 10'000;
    learning.closed(5000);
  }
}

TEST_CASE("connections of different ages that end at one moment are no timeout") {
  Learning learning;
  learning.closed(5000);
  learning.now_ms += 10'000;
  learning.closed(2000);
  CHECK(learning.limit() == 1000);
  learning.closed(300);
  CHECK(learning.limit() == 4000);
  learning.closed(100);
  learning.now_ms += IdleTolerance::kTogetherMs;
  learning.closed(3000);
  CHECK(learning.limit() == 4000);
  learning.now_ms += IdleTolerance::kTogetherMs + 1;
  learning.closed(3000);
  CHECK(learning.limit() == 2000);
}

TEST_CASE("connections of one age that end at one moment are one timeout") {
  Learning learning;
  for (int i = 0; i < 10; ++i) learning.closed(5000);
  CHECK(learning.limit() == 4000);
  learning.held_often();  // not believed for longer than one
  CHECK(learning.limit() == 8000);
}

TEST_CASE("one that was given up by an earlier limit proves nothing of a later one") {
  Learning learning;
  learning.closed(5000);
  learning.now_ms += 10'000;
  learning.tolerance.held(
      {.limit_ms = 3000, .configured_ms = kConfiguredMs, .now_ms = learning.now_ms});
  CHECK(learning.limit() == 4000);
}

TEST_CASE("what is in use is the least of all, and says who said it") {
  Learning learning;
  CHECK(learning.tolerance.in_use(4000).ms == 4000);
  CHECK(learning.tolerance.in_use(4000).from == "configured");
  learning.tolerance.hinted(3000);
  CHECK(learning.tolerance.in_use(4000).ms == 3000);
  CHECK(learning.tolerance.in_use(4000).from == "keep_alive");
  CHECK(learning.tolerance.in_use(2000).from == "configured");
  learning.closed(2500);
  CHECK(learning.tolerance.in_use(4000).ms == 1500);
  CHECK(learning.tolerance.in_use(4000).from == "observed");
  learning.tolerance.hinted(kNone);
  CHECK(learning.tolerance.in_use(1000).from == "configured");
}

}  // namespace
}  // namespace onehop::upstream
