// SPDX-License-Identifier: MIT
#include "proxy/body_pace.h"

#include "tests/support/catch.h"

namespace onehop::proxy {
namespace {

constexpr BodyPace::Limits kLimits{.grace_ms = 2'000, .rate = 500, .idle_ms = 10'000};

struct End {
  Outcome outcome;
  uint64_t at_ms;
};

// Sends `bytes` whenever `is_time` says so, until the verdict is not ok, for at most `until_ms`.
template <class IsTime>
End send_when(BodyKind kind, uint64_t bytes, uint64_t until_ms, IsTime is_time) {
  BodyPace pace;
  pace.begin(kind, kLimits, 0);
  for (uint64_t now = 0; now < until_ms; ++now) {
    if (const Outcome outcome = pace.verdict(now); outcome != Outcome::ok) return {outcome, now};
    if (now > 0 && is_time(now)) pace.came(bytes, now);
  }
  return {Outcome::ok, until_ms};
}
End send(BodyKind kind, uint64_t bytes, uint64_t every_ms, uint64_t until_ms) {
  return send_when(kind, bytes, until_ms, [&](uint64_t now) { return now % every_ms == 0; });
}

TEST_CASE("bytes of a body with a length buy time at the rate, never more than the grace ahead") {
  BodyPace pace;
  pace.begin(BodyKind::counted, kLimits, 1'000);
  CHECK(pace.verdict(2'999) == Outcome::ok);
  CHECK(pace.verdict(3'000) == Outcome::request_body_timeout);
  pace.came(50, 1'100);  // a tenth of a second
  CHECK(pace.verdict(3'099) == Outcome::ok);
  CHECK(pace.verdict(3'100) == Outcome::request_body_timeout);
  pace.came(1'000'000, 1'200);
  CHECK(pace.verdict(3'199) == Outcome::ok);
  CHECK(pace.verdict(3'200) == Outcome::request_body_timeout);
}

TEST_CASE("bytes too few for a millisecond are not lost") {
  BodyPace pace;
  pace.begin(BodyKind::counted, {.grace_ms = 100, .rate = 2'000}, 0);
  for (int i = 0; i < 4; ++i) pace.came(1, 5);
  CHECK(pace.verdict(101) == Outcome::ok);
  CHECK(pace.verdict(102) == Outcome::request_body_timeout);
}

TEST_CASE("a body with a length may not pause longer than its grace") {
  CHECK(send(BodyKind::counted, 100, 3'000, 20'000).outcome == Outcome::request_body_timeout);
}

TEST_CASE("a body without a length may pause between pieces") {
  CHECK(send(BodyKind::open, 64, 9'000, 100'000).outcome == Outcome::ok);
  CHECK(send(BodyKind::open, 16, 600, 100'000).outcome == Outcome::ok);
}

TEST_CASE("a body without a length that falls silent is idle after its limit") {
  const End end = send(BodyKind::open, 64, 11'000, 100'000);
  CHECK(end.outcome == Outcome::request_body_idle_timeout);
  CHECK(end.at_ms == 10'000);
}

TEST_CASE("a drip is no pause, however slow it is") {
  const uint64_t every = GENERATE(1, 10, 100, 400, 501, 700, 1'500, 5'000);
  const End end = send(BodyKind::open, 1, every, 1'000'000);
  CAPTURE(every);
  // Faster than the rate is no drip.
  if (every == 1) {
    CHECK(end.outcome == Outcome::ok);
    return;
  }
  CHECK(end.outcome == Outcome::request_body_timeout);
  CHECK(end.at_ms < 200'000);
}

TEST_CASE("bursts between pauses are held to the rate for the time they take") {
  const auto in_burst = [](uint64_t now) { return now % 1'100 <= 400 && now % 100 == 0; };
  CHECK(send_when(BodyKind::open, 10, 1'000'000, in_burst).outcome ==
        Outcome::request_body_timeout);
  CHECK(send_when(BodyKind::open, 100, 1'000'000, in_burst).outcome == Outcome::ok);
}

TEST_CASE("a conversation is held to no rate and ends when nobody says anything") {
  CHECK(send(BodyKind::conversation, 1, 400, 200'000).outcome == Outcome::ok);
  CHECK(send(BodyKind::conversation, 5, 9'999, 200'000).outcome == Outcome::ok);
  const End end = send(BodyKind::conversation, 5, 20'000, 200'000);
  CHECK(end.outcome == Outcome::request_body_idle_timeout);
  CHECK(end.at_ms == 10'000);
}

TEST_CASE("what is switched off is never looked at again") {
  BodyPace pace;
  pace.begin(BodyKind::conversation, {.grace_ms = 1'000, .rate = 1}, 0);
  CHECK(pace.wait_ms(0) == 0);
  CHECK(pace.verdict(1'000'000'000) == Outcome::ok);
  pace.begin(BodyKind::counted, {.rate = 1, .idle_ms = 5}, 0);
  CHECK(pace.wait_ms(0) == 0);
}

TEST_CASE("whoever looks when it is asked to sees every end") {
  const BodyKind kind = GENERATE(BodyKind::counted, BodyKind::open, BodyKind::conversation);
  BodyPace pace;
  pace.begin(kind, kLimits, 0);
  uint64_t now = 0;
  pace.came(3, 0);
  int looks = 0;
  while (pace.verdict(now) == Outcome::ok && looks < 100) {
    now += pace.wait_ms(now);
    ++looks;
  }
  CHECK(looks < 5);
  CHECK(now == (kind == BodyKind::conversation ? 10'000u : now));
  CHECK(now <= 10'000);
}

}  // namespace
}  // namespace onehop::proxy
