// SPDX-License-Identifier: MIT
// Connections at rest: how long a pool keeps them, what it learns from those that its endpoint
// closes, and which requests take one that has rested.
#include "tests/unit/upstream/pool_side.h"

namespace onehop::upstream::test {
namespace {

constexpr Want kYoung{.young = true};

TEST_CASE("the age at which an endpoint closes an idle connection is learnt, less a margin") {
  PoolSide side;
  side.settings.pool.idle_timeout = config::seconds(60);
  const auto pool = side.pool();
  HandPeer& first = fill(side, *pool);
  side.loop.pass_ms(5000);
  first.end();
  side.loop.end_turn();
  CHECK(side.tolerance.limit_ms() == 4000);
  HandPeer& second = fill(side, *pool);
  side.loop.pass_ms(3900);
  CHECK_FALSE(second.closed);
  side.loop.pass_ms(200);
  side.loop.end_turn();
  CHECK(second.closed);
  CHECK(side.closed(Closer::peer) == 1);
  CHECK(side.closed(Closer::onehop) == 1);
  // It was open then: after some more of these the next one may rest for twice as long.
  for (uint32_t i = 1; i < IdleTolerance::kLeastPatience; ++i) {
    CHECK(side.tolerance.limit_ms() == 4000);
    fill(side, *pool);
    side.loop.pass_ms(4100);
    side.loop.end_turn();
  }
  CHECK(side.tolerance.limit_ms() == 8000);
}

TEST_CASE("a connection that is served after a longer rest than was learnt proves more") {
  PoolSide side;
  side.settings.pool.idle_timeout = config::seconds(60);
  const auto pool = side.pool();
  HandPeer& longer = fill(side, *pool);
  side.loop.pass_ms(10'000);
  HandPeer& shorter = fill(side, *pool);
  side.loop.pass_ms(5000);
  shorter.end();
  side.loop.end_turn();
  CHECK(side.tolerance.limit_ms() == 4000);
  Asker asker(side.loop, *pool);
  REQUIRE(asker.lease.reused());
  asker.finish(longer);
  CHECK(side.tolerance.limit_ms() == 14'000);
}

TEST_CASE("what is configured is never exceeded by what was learnt") {
  PoolSide side;
  const auto pool = side.pool();
  side.tolerance.closed({.idle_ms = 10'000, .margin_ms = 1000, .now_ms = side.loop.now_ms()});
  HandPeer& peer = fill(side, *pool);
  side.loop.pass_ms(4100);
  side.loop.end_turn();
  CHECK(peer.closed);
}

TEST_CASE(
    "bytes on an idle connection, which end it, teach nothing about its endpoint's patience") {
  PoolSide side;
  const auto pool = side.pool();
  HandPeer& peer = fill(side, *pool);
  side.loop.pass_ms(2000);
  peer.say("HTTP/1.1 408 Request Timeout\r\n\r\n");
  side.loop.end_turn();
  CHECK(side.tolerance.limit_ms() == IdleTolerance::kNone);
}

TEST_CASE("a connection that turned out to be closed teaches the age at which it was lent") {
  PoolSide side;
  side.settings.pool.idle_timeout = config::seconds(60);
  const auto pool = side.pool();
  fill(side, *pool);
  side.loop.pass_ms(5000);
  Asker asker(side.loop, *pool);
  REQUIRE(asker.lease.reused());
  asker.ask();
  side.loop.pass_ms(30);
  asker.lease.was_closed();
  CHECK(side.tolerance.limit_ms() == 4000);
}

TEST_CASE("the margin is at least two round trips, as long as the quickest dial took") {
  PoolSide side;
  const auto pool = side.pool();
  {
    Asker asker(side.loop, *pool);
    side.loop.end_turn();
    side.loop.pass_ms(600);
    HandPeer& peer = side.dialer.accept();
    asker.finish(peer, "Keep-Alive: timeout=3\r\n");
    CHECK(side.tolerance.in_use(4000).ms == 3000 - 2 * 600);
    CHECK(side.tolerance.in_use(4000).from == "keep_alive");
    peer.end();
  }
  Asker slow(side.loop, *pool);
  side.loop.end_turn();
  side.loop.pass_ms(900);
  slow.finish(side.dialer.accept(), "Keep-Alive: timeout=3\r\n");
  CHECK(side.tolerance.in_use(4000).ms == 3000 - 2 * 600);
}

TEST_CASE("a request that must not be done twice takes no connection that has rested") {
  PoolSide side;
  const auto pool = side.pool();
  HandPeer& rested = fill(side, *pool);
  side.loop.pass_ms(999);
  {
    Asker in_time(side.loop, *pool, kYoung);
    REQUIRE(in_time.lease.reused());
    in_time.finish(rested);
  }
  side.loop.pass_ms(1000);
  Asker late(side.loop, *pool, kYoung);
  CHECK_FALSE(late.lease);
  side.loop.end_turn();
  HandPeer& fresh = side.dialer.accept();
  CHECK(side.opened(OpenReason::gate) == 1);
  const Asker other(side.loop, *pool);  // the one that has rested is there for others
  CHECK(other.lease.reused());
  late.finish(fresh);
  const Asker next(side.loop, *pool, kYoung);
  CHECK(next.lease.reused());
  CHECK(side.dialer.asked == 2);
}

TEST_CASE("with a gate of 0s it takes none that was used before") {
  PoolSide side;
  side.settings.pool.non_idempotent_max_idle = config::milliseconds(0);
  const auto pool = side.pool();
  fill(side, *pool);
  const Asker asker(side.loop, *pool, kYoung);
  CHECK_FALSE(asker.lease);
  side.loop.end_turn();
  CHECK(side.dialer.pending() == 1);
}

TEST_CASE("where there may be no more connections, one that has rested gives its place to it") {
  PoolSide side;
  side.settings.max_connections = 1;
  const auto pool = side.pool();
  HandPeer& rested = fill(side, *pool);
  side.loop.pass_ms(2000);
  Asker asker(side.loop, *pool, kYoung);
  CHECK_FALSE(asker.queued);
  side.loop.end_turn();
  CHECK(rested.closed);
  side.dialer.accept();
  CHECK(asker.lease);
  CHECK(side.opened(OpenReason::gate) == 1);
}

}  // namespace
}  // namespace onehop::upstream::test
