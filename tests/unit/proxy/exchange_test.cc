// SPDX-License-Identifier: MIT
// The exchange between a stream that the test plays and endpoints that it plays too: who waits for
// whom, what is tried again, and that each request is counted once with its outcome.
#include "tests/unit/proxy/exchange_side.h"

namespace onehop::proxy::test {
namespace {

constexpr std::string_view kEmpty = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

telemetry::HistogramValues values_of(const telemetry::Histogram& histogram) {
  telemetry::HistogramValues values;
  histogram.merge_into(values);
  return values;
}

// The first line of what an endpoint was asked.
std::string asked(const HandPeer& peer) {
  return peer.taken.substr(0, peer.taken.find("\r\n"));
}

TEST_CASE("a request goes to an endpoint, its response to the client, and it is counted once") {
  ExchangeSide side;
  auto& request = side.request();
  HandPeer& peer = side.accept();
  CHECK(asked(peer) == "GET / HTTP/1.1");
  side.say(peer, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
  CHECK(request.stream.status() == 200);
  CHECK(request.stream.body == "hello");
  CHECK(request.stream.ended);
  CHECK(side.outcomes(Outcome::ok) == 0);  // not before it is out
  request.flushed();
  CHECK(side.outcomes(Outcome::ok) == 1);
  CHECK(side.attempts(0, Outcome::ok) == 1);
  side.leave(request);
  CHECK(side.outcomes(Outcome::ok) == 1);
  CHECK(side.small->downstream().in_flight.value() == 0);
}

TEST_CASE("the body of a request waits for the connection that it goes to") {
  ExchangeSide side;
  auto& request = side.request(ExchangeSide::post(5));
  CHECK_FALSE(request.stream.reading);
  HandPeer& peer = side.accept();
  CHECK(request.stream.reading);
  request.body("hello", Ends::yes);
  side.loop.end_turn();
  CHECK(peer.taken.ends_with("\r\n\r\nhello"));
}

TEST_CASE("a client without room pauses its endpoint, and room lets it go on") {
  ExchangeSide side;
  auto& request = side.request();
  HandPeer& peer = side.accept();
  request.stream.room = false;
  side.say(peer, "HTTP/1.1 200 OK\r\nContent-Length: 6010\r\n\r\nhello");
  CHECK(peer.reads == net::Reads::sparingly);
  side.say(peer, std::string(3000, 'x'));
  side.say(peer, std::string(3000, 'x'));
  CHECK_FALSE(peer.reading);
  CHECK(request.stream.body.empty());
  request.stream.room = true;
  request.exchange->on_room();
  side.loop.end_turn();
  CHECK(peer.reading);
  side.say(peer, "world");
  CHECK(request.stream.body == "hello" + std::string(6000, 'x') + "world");
}

TEST_CASE("an endpoint that takes nothing pauses the client's body") {
  ExchangeSide side;
  auto& request = side.request(ExchangeSide::post(1'000'000));
  HandPeer& peer = side.accept();
  peer.takes = 0;
  request.body(std::string(400'000, 'x'), Ends::no);
  side.loop.end_turn();
  CHECK_FALSE(request.stream.reading);
}

TEST_CASE("a refused connect sends any method to another endpoint, and then to none") {
  for (const auto& head : {ExchangeSide::Head{}, ExchangeSide::post(5)}) {
    INFO(head.text);
    ExchangeSide side;
    auto& request = side.request(head);
    side.refuse();
    CHECK(request.stream.status() == 0);
    CHECK(side.dialer.asked == 2);
    side.refuse();
    CHECK(request.stream.status() == 502);
    request.flushed();
    CHECK(side.outcomes(Outcome::connect_refused) == 1);
    CHECK(side.attempts(0, Outcome::connect_refused) == 1);
    CHECK(side.attempts(1, Outcome::connect_refused) == 1);
  }
}

TEST_CASE("an address that is slow to connect to gives way to another one of a name with both") {
  ExchangeSide side;
  side.upstream.retries = 0;  // it is none
  side.upstream.timeouts.connect = config::milliseconds(1000);
  side.start();
  side.small->use_alternatives();
  auto& request = side.request(ExchangeSide::post(5));
  request.body("hello", Ends::yes);
  side.loop.pass_ms(upstream::Pool::kPatienceMs + 50);
  side.loop.end_turn();
  CHECK(side.attempts(0, Outcome::connect_slow) + side.attempts(1, Outcome::connect_slow) == 1);
  REQUIRE(side.dialer.pending() == 2);
  SECTION("which answers") {
    side.dialer.refuse_newest(ECONNREFUSED);
    side.loop.end_turn();
    HandPeer& peer = side.accept();  // the slow one, which is waited for as nobody else is left
    side.say(peer, kEmpty);
    CHECK(request.stream.status() == 200);
    request.flushed();
  }
  SECTION("and where both are slow the request fails when both have failed") {
    side.loop.pass_ms(upstream::Pool::kPatienceMs + 50);
    side.loop.end_turn();
    CHECK(request.stream.status() == 0);
    CHECK(side.dialer.pending() == 2);
    for (int i = 0; i < 8 && request.stream.status() == 0; ++i) {
      side.loop.pass_ms(1000);
      side.loop.end_turn();
    }
    CHECK(request.stream.status() == 504);
    request.flushed();
  }
}

TEST_CASE("an idempotent request on a connection that was closed meanwhile gets a fresh one") {
  ExchangeSide side;
  side.upstream.endpoints.resize(1);
  HandPeer& stale = side.warm();
  auto& request = side.request();
  CHECK(side.dialer.pending() == 0);
  side.end(stale);
  CHECK(request.stream.status() == 0);
  REQUIRE(side.dialer.pending() == 1);
  side.say(side.accept(), kEmpty);
  CHECK(request.stream.status() == 200);
  request.flushed();
  CHECK(side.attempts(0, Outcome::upstream_closed_idle) == 1);
  CHECK(side.outcomes(Outcome::ok) == 2);
}

TEST_CASE("one that is not idempotent is answered with 502 there, and never sent twice") {
  ExchangeSide side;
  side.upstream.endpoints.resize(1);
  HandPeer& stale = side.warm();
  auto& request = side.request(ExchangeSide::post(5));
  request.body("hello", Ends::yes);
  side.loop.end_turn();
  side.end(stale);
  CHECK(request.stream.status() == 502);
  CHECK(side.dialer.pending() == 0);
  request.flushed();
  CHECK(side.outcomes(Outcome::upstream_closed_idle) == 1);
}

// A POST whose pooled connection had been closed, which its endpoint's host has answered.
ExchangeSide::Request& unseen_post(ExchangeSide& side) {
  side.upstream.endpoints.resize(1);
  HandPeer& stale = side.warm();
  auto& request = side.request(ExchangeSide::post(5));
  request.body("hello", Ends::yes);
  side.loop.end_turn();
  stale.delivered = net::Transport::Delivered::refused;
  side.end(stale);
  return request;
}

TEST_CASE("a POST that was provably not seen is answered with 502 and that outcome") {
  ExchangeSide side;
  auto& request = unseen_post(side);
  CHECK(request.stream.status() == 502);
  CHECK(side.dialer.pending() == 0);
  request.flushed();
  CHECK(side.outcomes(Outcome::proven_unseen) == 1);
  CHECK(side.attempts(0, Outcome::proven_unseen) == 1);
}

TEST_CASE("with retry_unseen it is sent again, once, with its body and on a fresh connection") {
  ExchangeSide side;
  side.upstream.retry_unseen = true;
  auto& request = unseen_post(side);
  CHECK(request.stream.status() == 0);
  REQUIRE(side.dialer.pending() == 1);
  HandPeer& fresh = side.accept();
  CHECK(fresh.taken.ends_with("\r\n\r\nhello"));
  side.say(fresh, kEmpty);
  CHECK(request.stream.status() == 200);
  request.flushed();
  CHECK(side.attempts(0, Outcome::proven_unseen) == 1);
  CHECK(side.outcomes(Outcome::proven_unseen) == 0);
  CHECK(side.outcomes(Outcome::ok) == 2);
}

TEST_CASE("a POST that may have been seen is not sent again by retry_unseen either") {
  ExchangeSide side;
  side.upstream.endpoints.resize(1);
  side.upstream.retry_unseen = true;
  HandPeer& stale = side.warm();
  auto& request = side.request(ExchangeSide::post(5));
  request.body("hello", Ends::yes);
  side.loop.end_turn();
  side.end(stale);
  CHECK(request.stream.status() == 502);
  CHECK(side.dialer.pending() == 0);
  request.flushed();
  CHECK(side.outcomes(Outcome::upstream_closed_idle) == 1);
}

TEST_CASE("a POST takes no connection that has rested, and a GET takes it still") {
  ExchangeSide side;
  side.upstream.endpoints.resize(1);
  HandPeer& rested = side.warm();
  side.loop.pass_ms(1000);
  auto& post = side.request(ExchangeSide::post(0));
  REQUIRE(side.dialer.pending() == 1);
  auto& get = side.request();
  CHECK(rested.taken.find("GET / HTTP/1.1", 1) != std::string::npos);
  side.say(rested, kEmpty);
  side.say(side.accept(), kEmpty);
  post.body("", Ends::yes);
  CHECK(get.stream.status() == 200);
  CHECK(post.stream.status() == 200);
  get.flushed();
  post.flushed();
}

TEST_CASE(
    "a fresh connection that ends unanswered sends a GET elsewhere once, and a POST nowhere") {
  ExchangeSide side;
  auto& get = side.request();
  side.end(side.accept());
  CHECK(get.stream.status() == 0);
  side.end(side.accept());
  CHECK(get.stream.status() == 502);
  side.leave(get);
  auto& post = side.request(ExchangeSide::post(2));
  HandPeer& peer = side.accept();
  post.body("ab", Ends::yes);
  side.loop.end_turn();
  side.end(peer);
  CHECK(post.stream.status() == 502);
  CHECK(side.dialer.pending() == 0);
}

TEST_CASE("a response of which the client has a part is cut and not added to") {
  ExchangeSide side;
  auto& request = side.request();
  HandPeer& peer = side.accept();
  side.say(peer, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
  side.end(peer);
  CHECK(request.stream.was_reset);
  CHECK(request.stream.statuses == std::vector<int>{200});
  CHECK(side.outcomes(Outcome::upstream_incomplete) == 1);
}

TEST_CASE("a response of which nothing is out yet is taken back and replaced") {
  ExchangeSide side;
  auto& request = side.request();
  request.stream.left = false;
  HandPeer& peer = side.accept();
  side.say(peer, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
  side.end(peer);
  CHECK_FALSE(request.stream.was_reset);
  CHECK(request.stream.statuses == std::vector<int>{502});
}

TEST_CASE("an endpoint that does not answer in time is a 504") {
  ExchangeSide side;
  side.upstream.timeouts.response_head = config::milliseconds(500);
  auto& request = side.request();
  side.accept();
  side.loop.pass_ms(400);
  CHECK(request.stream.status() == 0);
  side.loop.pass_ms(200);
  CHECK(request.stream.status() == 504);
  request.flushed();
  CHECK(side.outcomes(Outcome::response_head_timeout) == 1);
}

TEST_CASE("while the client does not take the response the endpoint's silence is no fault") {
  ExchangeSide side;
  side.upstream.timeouts.response_idle = config::milliseconds(500);
  auto& request = side.request();
  HandPeer& peer = side.accept();
  request.stream.room = false;
  side.say(peer, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
  side.loop.pass_ms(2000);
  CHECK_FALSE(request.stream.was_reset);
  request.stream.room = true;
  request.exchange->on_room();
  side.loop.pass_ms(600);
  CHECK(request.stream.was_reset);
  CHECK(side.outcomes(Outcome::response_idle_timeout) == 1);
}

TEST_CASE("a client that leaves while a connection is opened for it ends the dial") {
  ExchangeSide side;
  auto& request = side.request();
  CHECK(side.dialer.pending() == 1);
  request.exchange->on_reset({.violation = http::Violation::gone});
  CHECK(side.outcomes(Outcome::client_gone) == 1);
  side.leave(request);
  CHECK(side.dialer.pending() == 0);
}

TEST_CASE("a client that leaves during its response ends the connection to the endpoint") {
  ExchangeSide side;
  auto& request = side.request();
  HandPeer& peer = side.accept();
  side.say(peer, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
  request.exchange->on_reset({.violation = http::Violation::gone});
  side.leave(request);
  CHECK(peer.closed);
  CHECK(side.attempts(0, Outcome::client_gone) == 1);
}

TEST_CASE("an exchange that is destroyed in flight was stopped") {
  ExchangeSide side;
  auto& request = side.request();
  side.leave(request);
  CHECK(side.outcomes(Outcome::stopped) == 1);
}

TEST_CASE("a body that is announced with an expectation is awaited once the endpoint says so") {
  ExchangeSide side;
  ExchangeSide::Head head = ExchangeSide::post(5);
  head.fields = {{"Expect", "100-continue"}};
  auto& request = side.request(head);
  HandPeer& peer = side.accept();
  side.say(peer, "HTTP/1.1 100 Continue\r\n\r\n");
  CHECK(request.stream.statuses == std::vector<int>{100});
  CHECK(request.stream.reading);
  request.body("hello", Ends::yes);
  side.loop.end_turn();
  side.say(peer, kEmpty);
  CHECK(request.stream.statuses == std::vector<int>{100, 200});
}

TEST_CASE("interim responses are passed on in order, and to HTTP/1.0 not at all") {
  for (const uint8_t minor : {uint8_t{1}, uint8_t{0}}) {
    ExchangeSide side;
    auto& request = side.request({.version_minor = minor});
    side.say(side.accept(), "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" +
                                std::string(kEmpty));
    CHECK(request.stream.statuses ==
          (minor == 1 ? std::vector<int>{103, 102, 200} : std::vector<int>{200}));
  }
}

TEST_CASE("after a 101 bytes go both ways until both ends have said that they are done") {
  ExchangeSide side;
  auto& request =
      side.request({.fields = {{"Connection", "upgrade"}, {"Upgrade", "x"}}, .upgrade = "x"});
  HandPeer& peer = side.accept();
  side.say(peer,
           "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nfrom it");
  CHECK(request.stream.status() == 101);
  CHECK(request.stream.body == "from it");
  request.body("from client", Ends::yes);
  side.loop.end_turn();
  CHECK(peer.taken.ends_with("from client"));
  CHECK(peer.finished);
  CHECK_FALSE(request.stream.ended);
  side.say(peer, "more");
  side.end(peer);
  CHECK(request.stream.body == "from itmore");
  CHECK(request.stream.ended);
  request.flushed();
  CHECK(side.outcomes(Outcome::ok) == 1);
}

TEST_CASE("trailers of a client end its side of a tunnel") {
  ExchangeSide side;
  auto& request =
      side.request({.fields = {{"Connection", "upgrade"}, {"Upgrade", "x"}}, .upgrade = "x"});
  HandPeer& peer = side.accept();
  side.say(peer, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
  request.exchange->on_trailers({});
  side.loop.end_turn();
  CHECK(peer.finished);
  side.end(peer);
  CHECK(request.stream.ended);
  request.flushed();
  CHECK(side.outcomes(Outcome::ok) == 1);
}

TEST_CASE("what needs no endpoint is answered without one") {
  struct Row {
    ExchangeSide::Head head;
    int status;
    Outcome outcome;
  };
  const Row rows[] = {
      {{.target = "/elsewhere"}, 404, Outcome::no_route},
      {{.target = "/app/..;/x"}, 400, Outcome::ambiguous_path},
      {{.method = http::Method::post,
        .text = "POST",
        .target = "/app",
        .body = http::BodyLength::of(2000)},
       413,
       Outcome::body_too_large},
      {{.target = "/app", .fields = {{"Expect", "tea"}}}, 417, Outcome::expectation_unknown},
      {{.method = http::Method::options,
        .text = "OPTIONS",
        .target = "/app",
        .fields = {{"Max-Forwards", "0"}}},
       200,
       Outcome::answered_here},
  };
  for (const Row& row : rows) {
    INFO(row_of(row.outcome).name);
    ExchangeSide side;
    side.path = "/app";
    side.server.limits.request_body = 1000;
    auto& request = side.request(row.head);
    CHECK(request.stream.status() == row.status);
    request.flushed();
    CHECK(side.outcomes(row.outcome) == 1);
    CHECK(side.dialer.asked == 0);
  }
}

TEST_CASE("what a request spent in its phases is recorded once, at the endpoint where it ended") {
  ExchangeSide side;
  auto& request = side.request();
  side.loop.pass_ms(7);
  HandPeer& peer = side.accept();
  side.loop.pass_ms(20);
  side.say(peer, kEmpty);
  request.flushed();
  const telemetry::EndpointShard& endpoint = side.counters(0);
  const auto total = values_of(endpoint.exchange[telemetry::kTotalIndex]);
  CHECK(total.count() == 1);
  CHECK(total.sum_ns() == 27'000'000);
  const auto of = [&](telemetry::Phase phase) {
    return values_of(endpoint.exchange[static_cast<size_t>(phase)]).sum_ns();
  };
  CHECK(of(telemetry::Phase::connect) == 7'000'000);
  CHECK(of(telemetry::Phase::response_wait) == 20'000'000);
}

}  // namespace
}  // namespace onehop::proxy::test
