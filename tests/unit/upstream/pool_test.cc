// SPDX-License-Identifier: MIT
// The pool over a loop that the test drives by hand: whom it lends which connection, whom it lets
// wait for how long, and what it counts.
#include "onehop/upstream/pool.h"

#include <vector>

#include "tests/unit/upstream/pool_side.h"

namespace onehop::upstream::test {
namespace {

TEST_CASE("the first request dials, and the next one gets the connection that it gave back") {
  PoolSide side;
  const auto pool = side.pool();
  Asker first(side.loop, *pool);
  CHECK(side.dialer.asked == 0);  // not before the turn ends
  side.loop.end_turn();
  REQUIRE(side.dialer.pending() == 1);
  HandPeer& peer = side.dialer.accept();
  REQUIRE(first.lease);
  CHECK_FALSE(first.lease.reused());
  first.finish(peer);
  CHECK(side.counters.idle.value() == 1);
  const Asker second(side.loop, *pool);
  CHECK(second.lease.reused());
  CHECK(side.counters.idle.value() == 0);
  CHECK(side.opened(OpenReason::cold) == 1);
  CHECK(side.counters.reused.value() == 1);
  CHECK(side.dialer.asked == 1);
}

TEST_CASE("the connection that was used last is lent first") {
  PoolSide side;
  const auto pool = side.pool();
  HandPeer& older = fill(side, *pool);
  HandPeer& newer = fill(side, *pool);
  Asker asker(side.loop, *pool);
  asker.ask();
  CHECK(newer.taken.find("GET / HTTP/1.1", 1) != std::string::npos);
  CHECK(older.taken.find("GET / HTTP/1.1", 1) == std::string::npos);
}

TEST_CASE("whoever leaves in the turn it came in costs no connect") {
  PoolSide side;
  const auto pool = side.pool();
  { const Asker hasty(side.loop, *pool); }
  side.loop.end_turn();
  CHECK(side.dialer.asked == 0);
  CHECK(side.counters.connecting.value() == 0);
  CHECK(side.counters.dials_given_up.value() == 0);
}

TEST_CASE("a dial that nobody waits for any more is given up and counted") {
  PoolSide side;
  const auto pool = side.pool();
  {
    const Asker asker(side.loop, *pool);
    side.loop.end_turn();
    CHECK(side.dialer.pending() == 1);
    CHECK(side.counters.connecting.value() == 1);
  }
  CHECK(side.dialer.pending() == 0);
  CHECK(side.counters.connecting.value() == 0);
  CHECK(side.counters.dials_given_up.value() == 1);
}

TEST_CASE("at max_connections requests wait in the order in which they came") {
  PoolSide side;
  side.settings.max_connections = 1;
  const auto pool = side.pool();
  Asker first(side.loop, *pool);
  Asker second(side.loop, *pool);
  Asker third(side.loop, *pool);
  side.loop.end_turn();
  CHECK(side.dialer.pending() == 1);
  CHECK(side.counters.queued.value() == 2);
  HandPeer& peer = side.dialer.accept();
  REQUIRE(first.lease);
  first.finish(peer);
  REQUIRE(second.lease);
  CHECK(second.lease.reused());
  CHECK_FALSE(third.lease);
  second.finish(peer);
  CHECK(third.lease);
  CHECK(side.counters.queued.value() == 0);
  CHECK(side.dialer.asked == 1);
}

TEST_CASE("whoever leaves the queue gives its turn to the next") {
  PoolSide side;
  side.settings.max_connections = 1;
  const auto pool = side.pool();
  Asker first(side.loop, *pool);
  auto second = std::make_unique<Asker>(side.loop, *pool);
  const Asker third(side.loop, *pool);
  side.loop.end_turn();
  HandPeer& peer = side.dialer.accept();
  second.reset();
  first.finish(peer);
  CHECK(third.lease);
}

TEST_CASE("a connection that ends makes room for a dial of whoever waits first") {
  PoolSide side;
  side.settings.max_connections = 1;
  const auto pool = side.pool();
  auto first = std::make_unique<Asker>(side.loop, *pool);
  const Asker second(side.loop, *pool);
  side.loop.end_turn();
  side.dialer.accept();
  first->ask();
  first.reset();  // its answer has not come: the connection is of no more use
  CHECK_FALSE(second.queued);
  CHECK(side.dialer.pending() == 1);
  side.dialer.accept();
  CHECK(second.lease);
  CHECK(side.opened(OpenReason::not_drained) == 1);
  CHECK(side.closed(Closer::onehop) == 1);
}

TEST_CASE("a full queue refuses at once, and who waits too long is refused then") {
  PoolSide side;
  side.settings.max_connections = 1;
  side.settings.pool.max_queue = 1;
  side.settings.pool.queue_timeout = config::milliseconds(500);
  const auto pool = side.pool();
  const Asker first(side.loop, *pool);
  const Asker second(side.loop, *pool);
  const Asker third(side.loop, *pool);
  REQUIRE(third.refusal);
  CHECK(third.refusal->why == NoLease::queue_full);
  side.loop.end_turn();
  side.dialer.accept();
  side.loop.pass_ms(400);
  CHECK_FALSE(second.refusal);
  side.loop.pass_ms(200);
  REQUIRE(second.refusal);
  CHECK(second.refusal->why == NoLease::queue_timeout);
  CHECK(side.counters.queue_rejected.value() == 2);
  CHECK(side.counters.queued.value() == 0);
}

TEST_CASE("a dial that fails says why, and the log of failures is counted by whose they are") {
  struct Row {
    int number;
    NoLease why;
  };
  for (const Row& row :
       {Row{ECONNREFUSED, NoLease::connect_failed}, Row{ETIMEDOUT, NoLease::connect_timeout},
        Row{EADDRNOTAVAIL, NoLease::local_fault}}) {
    INFO(row.number);
    PoolSide side;
    const auto pool = side.pool();
    const Asker asker(side.loop, *pool);
    side.loop.end_turn();
    side.dialer.refuse(row.number);
    REQUIRE(asker.refusal);
    CHECK(asker.refusal->why == row.why);
    CHECK(asker.refusal->network.number == row.number);
    const bool local = row.why == NoLease::local_fault;
    CHECK(side.counters.local_faults.value() == (local ? 1 : 0));
    CHECK(side.counters.connect_failed.value() == (local ? 0 : 1));
    CHECK(side.counters.connecting.value() == 0);
  }
}

TEST_CASE("a dial without an answer is given up after the connect timeout") {
  PoolSide side;
  side.settings.timeouts.connect = config::milliseconds(300);
  const auto pool = side.pool();
  const Asker asker(side.loop, *pool);
  side.loop.end_turn();
  side.loop.pass_ms(200);
  CHECK_FALSE(asker.refusal);
  side.loop.pass_ms(200);
  REQUIRE(asker.refusal);
  CHECK(asker.refusal->why == NoLease::connect_timeout);
  CHECK(side.dialer.pending() == 0);
}

TEST_CASE("who waits for a slow dial is sent elsewhere where the name has the other family, too") {
  PoolSide side;
  side.reachability.use_alternative(true);
  const auto pool = side.pool();
  const Asker asker(side.loop, *pool);
  side.loop.end_turn();
  side.loop.pass_ms(Pool::kPatienceMs - 50);
  CHECK_FALSE(asker.refusal);
  side.loop.pass_ms(100);
  REQUIRE(asker.refusal);
  CHECK(asker.refusal->why == NoLease::slow);
  SECTION("nobody else waits for it, and its connection is there for the next one") {
    const Asker next(side.loop, *pool);
    REQUIRE(next.refusal);
    CHECK(next.refusal->why == NoLease::slow);
    CHECK(side.dialer.pending() == 1);
    side.dialer.accept();
    side.loop.end_turn();
    CHECK(side.counters.idle.value() == 1);
    CHECK(side.counters.connecting.value() == 0);
    const Asker lucky(side.loop, *pool);
    CHECK(lucky.lease.reused());
  }
  SECTION("who comes back has the same dial, to its end") {
    const Asker back(side.loop, *pool, {.patient = true});
    CHECK(side.dialer.pending() == 1);
    side.loop.pass_ms(2 * Pool::kPatienceMs);
    CHECK_FALSE(back.refusal);
    side.dialer.accept();
    CHECK(back.lease);
    CHECK(side.dialer.asked == 1);
  }
  SECTION("who comes back and leaves does not end it") {
    { const Asker back(side.loop, *pool, {.patient = true}); }
    CHECK(side.dialer.pending() == 1);
    CHECK(side.counters.dials_given_up.value() == 0);
  }
  SECTION("it fails as others do") {
    side.dialer.refuse(ETIMEDOUT);
    side.loop.end_turn();
    CHECK(side.counters.connect_failed.value() == 1);
    CHECK(pool->empty());
  }
  SECTION("it ends with the pool") {
    pool->leave();
    side.loop.end_turn();
    CHECK(side.dialer.pending() == 0);
    CHECK(side.counters.dials_given_up.value() == 1);
    CHECK(pool->empty());
  }
}

TEST_CASE("a dial is waited for to its end where the name has one family alone") {
  PoolSide side;
  const auto pool = side.pool();
  const Asker asker(side.loop, *pool);
  side.loop.end_turn();
  side.loop.pass_ms(2 * Pool::kPatienceMs);
  CHECK_FALSE(asker.refusal);
}

TEST_CASE(
    "without a descriptor for a dial idle connections of any pool go, and it is tried again") {
  PoolSide side;
  const auto pool = side.pool();
  const auto other = side.pool();
  HandPeer& idle = fill(side, *other);
  const Asker asker(side.loop, *pool);
  side.dialer.cannot_begin = 1;
  side.loop.end_turn();
  CHECK(idle.closed);
  CHECK(side.dialer.pending() == 1);
  CHECK_FALSE(asker.refusal);
}

TEST_CASE("without anything to close a dial waits for a descriptor, but not for ever") {
  PoolSide side;
  const auto pool = side.pool();
  const Asker lucky(side.loop, *pool);
  side.dialer.cannot_begin = 3;
  for (int i = 0; i < 3; ++i) {
    side.loop.end_turn();
    side.loop.pass_ms(50);
  }
  side.loop.end_turn();
  CHECK(side.dialer.pending() == 1);
  side.dialer.accept();
  CHECK(lucky.lease);

  const Asker unlucky(side.loop, *pool, {.fresh = true});
  side.dialer.cannot_begin = -1;
  for (int i = 0; i < 20 && !unlucky.refusal; ++i) {
    side.loop.end_turn();
    side.loop.pass_ms(50);
  }
  REQUIRE(unlucky.refusal);
  CHECK(unlucky.refusal->why == NoLease::local_fault);
}

TEST_CASE(
    "an idle connection ends with idle_timeout, or as long before as the endpoint announced") {
  struct Row {
    std::string fields;
    uint64_t lives_ms;
  };
  for (const Row& row : {Row{"", 4000}, Row{"Keep-Alive: timeout=3\r\n", 2000},
                         Row{"Keep-Alive: timeout=60\r\n", 4000}}) {
    INFO(row.fields);
    PoolSide side;
    const auto pool = side.pool();
    HandPeer& peer = fill(side, *pool, row.fields);
    side.loop.pass_ms(row.lives_ms - 100);
    CHECK_FALSE(peer.closed);
    side.loop.pass_ms(200);
    CHECK(peer.closed);
    CHECK(side.counters.idle.value() == 0);
    const Asker next(side.loop, *pool);
    side.loop.end_turn();
    side.dialer.accept();
    CHECK(side.opened(OpenReason::idle_expired) == 1);
  }
}

TEST_CASE("a connection that the endpoint is about to close is not kept") {
  PoolSide side;
  const auto pool = side.pool();
  CHECK(fill(side, *pool, "Keep-Alive: timeout=1\r\n").closed);
  CHECK(side.counters.open.value() == 0);
}

TEST_CASE("an endpoint that closes an idle connection is why the next request needs a new one") {
  PoolSide side;
  const auto pool = side.pool();
  HandPeer& peer = fill(side, *pool);
  peer.end();
  CHECK(peer.closed);
  CHECK(side.closed(Closer::peer) == 1);
  const Asker next(side.loop, *pool);
  side.loop.end_turn();
  side.dialer.accept();
  CHECK(side.opened(OpenReason::peer_closed_idle) == 1);
}

TEST_CASE("bytes that nobody asked for end an idle connection and are counted") {
  PoolSide side;
  const auto pool = side.pool();
  HandPeer& peer = fill(side, *pool);
  peer.say("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n");
  CHECK(peer.closed);
  CHECK(side.closed(Closer::error) == 1);
  CHECK(side.counters.surplus.value() == 1);
}

TEST_CASE("a connection ends with the request that makes max_requests full") {
  PoolSide side;
  side.settings.pool.max_requests = 2;
  const auto pool = side.pool();
  HandPeer& peer = fill(side, *pool);
  CHECK_FALSE(peer.closed);
  Asker second(side.loop, *pool);
  REQUIRE(second.lease);
  second.finish(peer);
  CHECK(peer.closed);
  const Asker next(side.loop, *pool);
  side.loop.end_turn();
  side.dialer.accept();
  CHECK(side.opened(OpenReason::max_requests) == 1);
}

TEST_CASE("a connection past max_age is not lent again, with a fifth more or less of it") {
  PoolSide side;
  side.settings.pool.max_age = config::seconds(10);
  side.settings.pool.idle_timeout = config::seconds(100);
  const auto pool = side.pool();
  HandPeer& peer = fill(side, *pool);
  side.loop.pass_ms(7'900);
  {
    const Asker still(side.loop, *pool);
    CHECK(still.lease);
    side.loop.pass_ms(4'200);
  }
  CHECK(peer.closed);
}

TEST_CASE("with reuse off no connection is lent twice") {
  PoolSide side;
  side.settings.pool.reuse = false;
  const auto pool = side.pool();
  CHECK(fill(side, *pool).closed);
  const Asker next(side.loop, *pool);
  side.loop.end_turn();
  side.dialer.accept();
  CHECK(side.opened(OpenReason::reuse_off) == 1);
}

TEST_CASE("of more idle connections than max_idle the one that is idle longest goes") {
  PoolSide side;
  side.settings.pool.max_idle = 2;
  const auto pool = side.pool();
  HandPeer& first = fill(side, *pool);
  HandPeer& second = fill(side, *pool);
  HandPeer& third = fill(side, *pool);
  CHECK(first.closed);
  CHECK_FALSE(second.closed);
  CHECK_FALSE(third.closed);
  CHECK(side.counters.idle.value() == 2);
}

TEST_CASE("a request that must have a fresh connection leaves idle ones alone") {
  PoolSide side;
  const auto pool = side.pool();
  HandPeer& idle = fill(side, *pool);
  const Asker asker(side.loop, *pool, {.fresh = true});
  CHECK_FALSE(asker.lease);
  side.loop.end_turn();
  CHECK(side.dialer.pending() == 1);
  CHECK_FALSE(idle.closed);
}

TEST_CASE("at max_connections an idle one makes room for a fresh one") {
  PoolSide side;
  side.settings.max_connections = 1;
  const auto pool = side.pool();
  HandPeer& idle = fill(side, *pool);
  const Asker asker(side.loop, *pool, {.fresh = true});
  side.loop.end_turn();
  CHECK(idle.closed);
  CHECK(side.dialer.pending() == 1);
}

TEST_CASE("a pool that begins anew lends nothing of what it had") {
  PoolSide side;
  const auto pool = side.pool();
  HandPeer& idle = fill(side, *pool);
  HandPeer& lent = fill(side, *pool);
  Asker busy(side.loop, *pool);
  REQUIRE(busy.lease);
  pool->begin_anew();
  side.loop.end_turn();
  CHECK(idle.closed);
  CHECK_FALSE(lent.closed);
  busy.finish(lent);
  CHECK(lent.closed);
  const Asker next(side.loop, *pool);
  side.loop.end_turn();
  side.dialer.accept();
  CHECK(side.opened(OpenReason::certificates_renewed) == 1);
}

TEST_CASE("a connection that is bound is lent through its bond alone, and ends with it") {
  PoolSide side;
  const auto pool = side.pool();
  HandPeer& peer = fill(side, *pool);
  Asker first(side.loop, *pool);
  REQUIRE(first.lease);
  auto bond = first.lease.bind();
  REQUIRE(bond);
  CHECK_FALSE(bond->ready());
  first.finish(peer);
  CHECK(bond->ready());
  {
    const Asker stranger(side.loop, *pool);
    CHECK_FALSE(stranger.lease);
  }
  {
    Asker owner(side.loop, *pool, {.bond = bond.get()});
    REQUIRE(owner.lease);
    owner.finish(peer);
  }
  bond.reset();
  side.loop.end_turn();
  CHECK(peer.closed);
}

TEST_CASE("over HTTP/2 all who ask while one dial is under way share its connection") {
  PoolSide side;
  side.protocol = config::UpstreamProtocol::h2;
  const auto pool = side.pool();
  std::vector<std::unique_ptr<Asker>> askers;
  for (int i = 0; i < 5; ++i) askers.push_back(std::make_unique<Asker>(side.loop, *pool));
  side.loop.end_turn();
  CHECK(side.dialer.pending() == 1);
  side.dialer.accept();
  for (const auto& asker : askers) CHECK(asker->lease.multiplexed());
  CHECK(side.counters.reused.value() == 4);
  CHECK(side.counters.open.value() == 1);
}

TEST_CASE("over HTTP/2 a shared dial that fails fails for all who wait for it") {
  PoolSide side;
  side.protocol = config::UpstreamProtocol::h2;
  const auto pool = side.pool();
  std::vector<std::unique_ptr<Asker>> askers;
  for (int i = 0; i < 3; ++i) askers.push_back(std::make_unique<Asker>(side.loop, *pool));
  side.loop.end_turn();
  side.dialer.refuse(ECONNREFUSED);
  for (const auto& asker : askers) CHECK(asker->refusal);
  CHECK(side.counters.connect_failed.value() == 1);
}

}  // namespace
}  // namespace onehop::upstream::test
