// SPDX-License-Identifier: MIT
// An upstream whose endpoints come, stay and go: who is picked, what stays of those that stay, and
// what becomes of the requests of those that go.
#include "onehop/upstream/upstream.h"

#include <optional>
#include <string>
#include <vector>

#include "pool_side.h"
#include "tests/support/small_proxy.h"

namespace onehop::upstream::test {
namespace {

struct Side {
  explicit Side(std::vector<config::Endpoint> endpoints, uint32_t max_connections = 0)
      : small(config_of(std::move(endpoints), max_connections), loop, dialer) {}
  ~Side() { loop.end_turn(); }

  static config::Config config_of(std::vector<config::Endpoint> endpoints,
                                  uint32_t max_connections) {
    config::Upstream upstream;
    upstream.name = "app";
    upstream.endpoints = std::move(endpoints);
    upstream.pool.max_connections = max_connections;
    return onehop::test::config_of(upstream);
  }

  Upstream& upstream() { return *small.upstreams.front(); }
  void use(const std::vector<config::Endpoint>& endpoints) {
    small.use(endpoints);
    loop.end_turn();
  }
  // The last character of each endpoint that is picked.
  std::string picks(size_t count) {
    std::string text;
    for (size_t i = 0; i < count; ++i) {
      const Endpoint* picked = upstream().pick({});
      text += picked == nullptr ? '-' : picked->name().back();
    }
    return text;
  }
  Endpoint& endpoint(char last) {
    for (const auto& one : upstream().endpoints()) {
      if (one->name().back() == last) return *one;
    }
    FAIL("no such endpoint");
    std::abort();
  }

  HandLoop loop;
  HandDialer dialer{loop};
  onehop::test::SmallProxy small;
};

constexpr const char* kA = "127.0.0.1:9001";
constexpr const char* kB = "127.0.0.1:9002";
constexpr const char* kC = "127.0.0.1:9003";

TEST_CASE("an upstream without an endpoint picks none, and one that comes is picked at once") {
  Side side({});
  CHECK(side.picks(2) == "--");
  side.use({{kA, 1}});
  CHECK(side.picks(2) == "11");
  side.use({});
  CHECK(side.picks(1) == "-");
}

TEST_CASE("an endpoint that stays keeps its connections, its load and its id") {
  Side side({{kA, 1}, {kB, 1}});
  Endpoint& stays = side.endpoint('1');
  const EndpointId id = stays.id();
  fill(side.loop, side.dialer, stays.pool());
  const EndpointUse use(stays);
  side.use({{kC, 1}, {kA, 1}});
  CHECK(&side.endpoint('1') == &stays);
  CHECK(stays.id() == id);
  CHECK(stays.in_flight() == 1);
  CHECK(stays.pool().open_count() == 1);
  CHECK(side.upstream().leaving().empty());
}

TEST_CASE("the turn of round robin goes on where it was for those that stay") {
  Side side({{kA, 2}, {kB, 1}, {kC, 1}});
  CHECK(side.picks(1) == "1");
  side.use({{kB, 1}, {kC, 1}, {kA, 2}});
  CHECK(side.picks(3) == "231");
}

TEST_CASE("another weight is another share, of the same endpoint") {
  Side side({{kA, 1}, {kB, 1}});
  const EndpointId id = side.endpoint('1').id();
  side.use({{kA, 3}, {kB, 1}});
  CHECK(side.endpoint('1').id() == id);
  const std::string picks = side.picks(8);
  CHECK(std::ranges::count(picks, '1') == 6);
}

TEST_CASE("an endpoint that leaves closes what is idle at once, and goes with its last request") {
  Side side({{kA, 1}, {kB, 1}});
  Endpoint& leaves = side.endpoint('1');
  HandPeer& idle = fill(side.loop, side.dialer, leaves.pool());
  std::optional<EndpointUse> use(std::in_place, leaves);
  side.use({{kB, 1}});
  CHECK(idle.closed);
  CHECK(side.picks(3) == "222");
  CHECK(side.upstream().find(leaves.id()) == nullptr);
  REQUIRE(side.upstream().leaving().size() == 1);
  use.reset();
  side.loop.end_turn();
  CHECK(side.upstream().leaving().empty());
}

TEST_CASE("a connection that is lent when its endpoint leaves is used to its end, and closed") {
  Side side({{kA, 1}, {kB, 1}});
  Endpoint& leaves = side.endpoint('1');
  std::optional<EndpointUse> use(std::in_place, leaves);
  std::optional<Asker> asker(std::in_place, side.loop, leaves.pool());
  side.loop.end_turn();
  HandPeer& peer = side.dialer.accept();
  REQUIRE(asker->lease);
  side.use({{kB, 1}});
  CHECK_FALSE(peer.closed);
  asker->finish(peer);
  CHECK(peer.closed);
  asker.reset();
  use.reset();
  side.loop.end_turn();
  CHECK(side.upstream().leaving().empty());
}

TEST_CASE("whoever waits at an endpoint that leaves is told so, in its queue and for its dial") {
  Side side({{kA, 1}, {kB, 1}}, 1);
  Endpoint& leaves = side.endpoint('1');
  const EndpointUse use(leaves);
  Asker dialing(side.loop, leaves.pool());
  Asker queued(side.loop, leaves.pool());
  REQUIRE(queued.queued);
  side.use({{kB, 1}});
  for (const Asker* asker : {&dialing, &queued}) {
    REQUIRE(asker->refusal.has_value());
    CHECK(asker->refusal->why == NoLease::leaving);
  }
  Asker late(side.loop, leaves.pool());
  REQUIRE(late.refusal.has_value());
  CHECK(late.refusal->why == NoLease::leaving);
}

TEST_CASE("an endpoint that comes back while it leaves is another one, and the first still goes") {
  Side side({{kA, 1}});
  std::optional<EndpointUse> use(std::in_place, side.endpoint('1'));
  side.use({{kB, 1}});
  side.use({{kB, 1}, {kA, 1}});
  CHECK(side.upstream().leaving().size() == 1);
  CHECK(side.picks(2).find('1') != std::string::npos);
  use.reset();
  side.loop.end_turn();
  CHECK(side.upstream().leaving().empty());
  CHECK(side.picks(2).find('1') != std::string::npos);
}

TEST_CASE("an upstream that nobody has any more stays until its last endpoint has left") {
  Side side({{kA, 1}});
  const std::weak_ptr<Upstream> known = side.small.upstreams.front()->weak_from_this();
  std::optional<EndpointUse> use(std::in_place, side.endpoint('1'));
  config::Config other = Side::config_of({{kB, 1}}, 0);
  other.upstreams.front().name = "other";
  other.routes.front().upstream = "other";
  side.small.apply(other);
  side.loop.end_turn();
  CHECK_FALSE(known.expired());
  use.reset();
  side.loop.end_turn();
  CHECK(known.expired());
}

TEST_CASE(
    "an upstream whose connections are made in another way is another one, beside the first") {
  Side side({{kA, 1}});
  const std::shared_ptr<Upstream> first = side.small.upstreams.front();
  const EndpointId id = side.endpoint('1').id();
  config::Config config = Side::config_of({{kA, 1}}, 0);
  config.upstreams.front().protocol = config::UpstreamProtocol::h2;
  side.small.apply(config);
  side.loop.end_turn();
  CHECK(side.small.upstreams.front() != first);
  CHECK(side.endpoint('1').id() != id);
  REQUIRE(first->pick({}) != nullptr);  // for the requests that began with it
  CHECK(first->pick({})->id() == id);
}

TEST_CASE("an upstream that comes back while somebody has it is the same one") {
  Side side({{kA, 1}});
  const std::shared_ptr<Upstream> first = side.small.upstreams.front();
  config::Config other = Side::config_of({{kB, 1}}, 0);
  other.upstreams.front().name = "other";
  other.routes.front().upstream = "other";
  side.small.apply(other);
  side.small.apply(Side::config_of({{kA, 1}, {kC, 1}}, 0));
  CHECK(side.small.upstreams.front() == first);
  CHECK(first->endpoints().size() == 2);
}

TEST_CASE("a connection that belongs to a client is closed with its endpoint, in use or at rest") {
  const bool in_use = GENERATE(true, false);
  Side side({{kA, 1}, {kB, 1}});
  Endpoint& leaves = side.endpoint('1');
  std::optional<EndpointUse> use(std::in_place, leaves);
  std::optional<Asker> asker(std::in_place, side.loop, leaves.pool());
  side.loop.end_turn();
  HandPeer& peer = side.dialer.accept();
  const std::unique_ptr<Bond> bond = asker->lease.bind();
  REQUIRE(bond != nullptr);
  if (!in_use) {
    asker->finish(peer);
    use.reset();
  }
  side.use({{kB, 1}});
  CHECK_FALSE(bond->alive());
  CHECK(peer.closed != in_use);
  if (in_use) asker->finish(peer);
  CHECK(peer.closed);
  asker.reset();
  use.reset();
  side.loop.end_turn();
  CHECK(side.upstream().leaving().empty());
}

TEST_CASE("a smaller max_idle closes what is idle beyond it") {
  Side side({{kA, 1}});
  Pool& pool = side.endpoint('1').pool();
  fill(side.loop, side.dialer, pool);
  fill(side.loop, side.dialer, pool);
  REQUIRE(pool.open_count() == 2);
  config::Config config = Side::config_of({{kA, 1}}, 0);
  config.upstreams.front().pool.max_idle = 1;
  side.small.apply(config);
  side.loop.end_turn();
  CHECK(pool.open_count() == 1);
}

TEST_CASE("a smaller max_connections closes what is idle beyond it") {
  Side side({{kA, 1}});
  Pool& pool = side.endpoint('1').pool();
  fill(side.loop, side.dialer, pool);
  fill(side.loop, side.dialer, pool);
  side.small.apply(Side::config_of({{kA, 1}}, 1));
  side.loop.end_turn();
  CHECK(pool.open_count() == 1);
}

TEST_CASE("a larger max_connections lets in those who wait") {
  Side side({{kA, 1}}, 1);
  Pool& pool = side.endpoint('1').pool();
  Asker first(side.loop, pool);
  Asker second(side.loop, pool);
  REQUIRE(second.queued);
  side.small.apply(Side::config_of({{kA, 1}}, 2));
  CHECK_FALSE(second.queued);
}

}  // namespace
}  // namespace onehop::upstream::test
