// SPDX-License-Identifier: MIT
// What becomes of exchanges whose endpoint is gone, and of those whose endpoint is only drained.
#include "exchange_side.h"

namespace onehop::proxy::test {
namespace {

using config::seconds;
using Endpoints = std::vector<config::Endpoint>;

constexpr const char* kA = "127.0.0.1:9001";
constexpr const char* kB = "127.0.0.1:9002";
constexpr std::string_view kBegun = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome";

struct Side : ExchangeSide {
  Side() {
    upstream.endpoint_drain = seconds(30);
    upstream.timeouts.response_idle = seconds(0);
    upstream.timeouts.response_head = seconds(0);
  }

  // Its endpoint is the first; the second is there for those who come after it.
  Request& at_first(const Head& head) {
    upstream.endpoints = {{kA, 1}};
    return request(head);
  }
  void use(const Endpoints& endpoints, const std::vector<std::string>& drained = {}) {
    small->use(endpoints, drained);
    loop.end_turn();
  }
  void pass(config::milliseconds time) {
    loop.pass_ms(static_cast<uint64_t>(time.count()) + 8);  // deadlines may be so late
    loop.end_turn();
  }
  size_t leaving() { return small->upstreams.front()->leaving().size(); }
};

TEST_CASE("a response of an endpoint that is gone has endpoint_drain to end, and is then cut") {
  Side side;
  auto& asked = side.at_first({});
  HandPeer& peer = side.accept();
  side.say(peer, kBegun);
  side.use({{kB, 1}});
  side.pass(seconds(29));
  side.say(peer, "more");
  CHECK(asked.stream.body == "somemore");
  CHECK_FALSE(asked.stream.was_reset);
  side.pass(seconds(1));
  CHECK(asked.stream.was_reset);
  CHECK(peer.closed);
  CHECK(side.outcomes(Outcome::endpoint_drain_timeout) == 1);
  CHECK(side.attempts(0, Outcome::endpoint_drain_timeout) == 1);
  side.leave(asked);
  CHECK(side.leaving() == 0);
}

TEST_CASE("a response that ends in time is whole, and nothing is cut behind it") {
  Side side;
  auto& asked = side.at_first({});
  HandPeer& peer = side.accept();
  side.use({{kB, 1}});
  side.say(peer, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfour");
  asked.flushed();
  side.leave(asked);
  CHECK(side.leaving() == 0);
  side.pass(seconds(60));
  CHECK(side.outcomes(Outcome::ok) == 1);
  CHECK(side.outcomes(Outcome::endpoint_drain_timeout) == 0);
}

TEST_CASE("a request that may be sent twice goes to another endpoint when its time is over") {
  Side side;
  auto& asked = side.at_first({});
  HandPeer& peer = side.accept();
  side.use({{kB, 1}});
  side.pass(seconds(30));
  CHECK(peer.closed);
  HandPeer& other = side.accept();
  side.say(other, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  asked.flushed();
  CHECK(asked.stream.status() == 200);
  CHECK(side.attempts(0, Outcome::endpoint_drain_timeout) == 1);
  CHECK(side.outcomes(Outcome::ok) == 1);
}

TEST_CASE("a request that may not be sent twice is answered 504 when its time is over") {
  Side side;
  auto& asked = side.at_first(ExchangeSide::post(2));
  HandPeer& peer = side.accept();
  asked.body("hi", Ends::yes);
  side.loop.end_turn();
  side.use({{kB, 1}});
  side.pass(seconds(30));
  CHECK(peer.closed);
  CHECK(asked.stream.status() == 504);
  asked.flushed();
  CHECK(side.outcomes(Outcome::endpoint_drain_timeout) == 1);
}

TEST_CASE("a tunnel through an endpoint that is gone is cut after endpoint_drain, too") {
  Side side;
  auto& asked = side.at_first(
      {.fields = {{"Connection", "Upgrade"}, {"Upgrade", "echo"}}, .upgrade = "echo"});
  HandPeer& peer = side.accept();
  side.say(peer,
           "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n");
  REQUIRE(asked.stream.status() == 101);
  side.use({{kB, 1}});
  side.pass(seconds(29));
  side.say(peer, "still here");
  CHECK(asked.stream.body == "still here");
  side.pass(seconds(1));
  CHECK(asked.stream.was_reset);
  CHECK(peer.closed);
  side.leave(asked);
  CHECK(side.leaving() == 0);
}

TEST_CASE("one that is drained and stays in the set is not cut, until it is removed") {
  Side side;
  auto& asked = side.at_first({});
  HandPeer& peer = side.accept();
  side.say(peer, kBegun);
  side.use({{kA, 1}, {kB, 1}}, {kA});
  side.pass(seconds(300));
  CHECK_FALSE(asked.stream.was_reset);
  side.use({{kB, 1}});
  side.pass(seconds(29));
  CHECK_FALSE(asked.stream.was_reset);
  side.pass(seconds(1));
  CHECK(asked.stream.was_reset);
  CHECK(peer.closed);
}

TEST_CASE("one that is back before its time is over has all the time it needs") {
  Side side;
  auto& asked = side.at_first({});
  HandPeer& peer = side.accept();
  side.say(peer, kBegun);
  side.use({{kB, 1}});
  side.pass(seconds(20));
  side.use({{kA, 1}, {kB, 1}});
  side.pass(seconds(300));
  CHECK_FALSE(asked.stream.was_reset);
  side.use({{kB, 1}});
  side.pass(seconds(30));
  CHECK(asked.stream.was_reset);
}

TEST_CASE("what an upstream that the configuration lost has in flight has the same time") {
  Side side;
  auto& asked = side.at_first({});
  HandPeer& peer = side.accept();
  side.say(peer, kBegun);
  const std::weak_ptr<upstream::Upstream> known = side.small->upstreams.front()->weak_from_this();
  config::Upstream other = side.upstream;
  other.name = "other";
  other.endpoints = {{kB, 1}};
  side.small->apply(onehop::test::config_of(other));
  side.pass(seconds(20));
  side.small->apply(onehop::test::config_of(other));  // which changes nothing
  CHECK_FALSE(asked.stream.was_reset);
  side.pass(seconds(10));
  CHECK(asked.stream.was_reset);
  CHECK(peer.closed);
  side.leave(asked);
  CHECK(known.expired());
}

TEST_CASE("an upstream that another configuration has again in time cuts nothing") {
  Side side;
  auto& asked = side.at_first({});
  HandPeer& peer = side.accept();
  side.say(peer, kBegun);
  config::Upstream other = side.upstream;
  other.name = "other";
  side.small->apply(onehop::test::config_of(other));
  side.pass(seconds(20));
  side.small->apply(onehop::test::config_of(side.upstream));
  side.pass(seconds(300));
  CHECK_FALSE(asked.stream.was_reset);
  CHECK_FALSE(peer.closed);
}

TEST_CASE("an endpoint_drain of 0 cuts at once") {
  Side side;
  side.upstream.endpoint_drain = seconds(0);
  auto& asked = side.at_first({});
  side.say(side.accept(), kBegun);
  side.use({{kB, 1}});
  side.pass(seconds(0));
  CHECK(asked.stream.was_reset);
}

TEST_CASE("a response that has come whole is not cut while its client takes it") {
  Side side;
  auto& asked = side.at_first({});
  HandPeer& peer = side.accept();
  side.say(peer, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfour");
  side.use({{kB, 1}});
  side.pass(seconds(60));
  CHECK(peer.closed);
  CHECK_FALSE(asked.stream.was_reset);
  asked.flushed();
  CHECK(side.outcomes(Outcome::ok) == 1);
  side.leave(asked);
  CHECK(side.leaving() == 0);
}

}  // namespace
}  // namespace onehop::proxy::test
