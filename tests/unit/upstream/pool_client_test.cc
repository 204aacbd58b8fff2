// SPDX-License-Identifier: MIT
// Pools whose connections say of which client they are (upstream.proxy_protocol): no request of
// another client is ever sent on one.
#include "tests/unit/upstream/pool_side.h"
#include "upstream/proxy_dialer.h"

namespace onehop::upstream::test {
namespace {

net::ProxyHeader client(const char* ip, uint16_t port) {
  return {*Address::numeric(ip, port), *Address::numeric("198.51.100.1", 443)};
}

const net::ProxyHeader kOne = client("192.0.2.1", 1000);
const net::ProxyHeader kSamePlace = client("192.0.2.1", 1001);
const net::ProxyHeader kOther = client("192.0.2.2", 1000);

// One request of that client; the connection is idle afterwards.
HandPeer& ask_once(PoolSide& side, Pool& pool, const net::ProxyHeader& of) {
  Asker asker(side.loop, pool, {.client = &of});
  side.loop.end_turn();
  REQUIRE(side.dialer.pending() == 1);
  HandPeer& peer = side.dialer.accept();
  REQUIRE(asker.lease);
  asker.finish(peer);
  return peer;
}

TEST_CASE("a connection that says whose it is carries further requests of that client alone") {
  PoolSide side;
  const auto pool = side.pool();
  ask_once(side, *pool, kOne);
  Asker again(side.loop, *pool, {.client = &kOne});
  CHECK(again.lease);
  for (const net::ProxyHeader* stranger : {&kSamePlace, &kOther}) {
    Asker other(side.loop, *pool, {.client = stranger});
    CHECK_FALSE(other.lease);
    side.loop.end_turn();
    CHECK(side.dialer.pending() == 1);
  }
}

TEST_CASE("another destination is another client") {
  PoolSide side;
  const auto pool = side.pool();
  ask_once(side, *pool, kOne);
  net::ProxyHeader elsewhere = kOne;
  elsewhere.destination = *Address::numeric("198.51.100.1", 8443);
  const Asker other(side.loop, *pool, {.client = &elsewhere});
  CHECK_FALSE(other.lease);
}

TEST_CASE("the newest idle connection of a client is found among those of others") {
  PoolSide side;
  const auto pool = side.pool();
  ask_once(side, *pool, kOne);
  ask_once(side, *pool, kOther);
  Asker asker(side.loop, *pool, {.client = &kOne});
  CHECK(asker.lease);
  CHECK(side.opened(OpenReason::cold) == 1);
  CHECK(side.opened(OpenReason::other_client) == 1);
}

TEST_CASE("max_idle bounds the idle connections of all clients together, the oldest goes") {
  PoolSide side;
  side.settings.pool.max_idle = 1;
  const auto pool = side.pool();
  HandPeer& first = ask_once(side, *pool, kOne);
  ask_once(side, *pool, kOther);
  CHECK(first.closed);
  CHECK(pool->open_count() == 1);
}

TEST_CASE("at max_connections an idle connection of another client gives way") {
  PoolSide side;
  side.settings.max_connections = 1;
  const auto pool = side.pool();
  HandPeer& first = ask_once(side, *pool, kOne);
  Asker asker(side.loop, *pool, {.client = &kOther});
  side.loop.end_turn();
  CHECK(first.closed);
  CHECK(side.dialer.pending() == 1);
}

TEST_CASE("who waits in the queue is not given the connection of another client, but its place") {
  PoolSide side;
  side.settings.max_connections = 1;
  const auto pool = side.pool();
  Asker busy(side.loop, *pool, {.client = &kOne});
  side.loop.end_turn();
  HandPeer& peer = side.dialer.accept();
  Asker waits(side.loop, *pool, {.client = &kOther});
  CHECK(waits.queued);
  busy.finish(peer);
  CHECK_FALSE(waits.lease);
  CHECK(peer.closed);
  CHECK(side.dialer.pending() == 1);
  side.dialer.accept();
  CHECK(waits.lease);
}

TEST_CASE("a dial for one client is not joined by another, where its connection has many streams") {
  PoolSide side;
  side.protocol = config::UpstreamProtocol::h2;
  const auto pool = side.pool();
  Asker one(side.loop, *pool, {.client = &kOne});
  Asker same(side.loop, *pool, {.client = &kOne});
  Asker other(side.loop, *pool, {.client = &kOther});
  Asker late(side.loop, *pool, {.client = &kOne});
  side.loop.end_turn();
  CHECK(side.dialer.pending() == 2);
}

// What a dial hands over, and who told of it.
struct Dialed final : net::Dial::Events {
  void on_connected(net::TransportPtr made) override { transport = std::move(made); }
  void on_dial_failed(net::NetError got) override { error = got; }
  net::TransportPtr transport;
  std::optional<net::NetError> error;
};

TEST_CASE("a connection begins with the header that was announced before its dial") {
  HandLoop loop;
  HandDialer below(loop);
  ProxyDialer dialer(below, config::ProxyProtocol::v1);
  Dialed first;
  Dialed second;
  dialer.announce(kOne);
  const auto one = dialer.dial(Address(), first);
  dialer.announce(kOther);
  const auto two = dialer.dial(Address(), second);
  HandPeer& peer = below.accept();
  HandPeer& other = below.accept();
  first.transport->output().append("GET");
  loop.end_turn();
  CHECK(peer.taken == "PROXY TCP4 192.0.2.1 198.51.100.1 1000 443\r\nGET");
  CHECK(other.taken == "PROXY TCP4 192.0.2.2 198.51.100.1 1000 443\r\n");
}

TEST_CASE("a dial that fails below fails above, and one that cannot begin does not") {
  HandLoop loop;
  HandDialer below(loop);
  ProxyDialer dialer(below, config::ProxyProtocol::v2);
  Dialed dialed;
  const auto dial = dialer.dial(Address(), dialed);
  below.refuse(ECONNREFUSED);
  REQUIRE(dialed.error.has_value());
  CHECK(dialed.error->number == ECONNREFUSED);
  below.cannot_begin = 1;
  CHECK(dialer.dial(Address(), dialed).error().number == EMFILE);
}

}  // namespace
}  // namespace onehop::upstream::test
