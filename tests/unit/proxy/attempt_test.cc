// SPDX-License-Identifier: MIT
// One try at an endpoint, over a pool whose dials and connections the test plays: what it passes
// on, what each of its ends counts, and that no way out leaves a request in flight.
#include "proxy/attempt.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/hand_dialer.h"
#include "tests/support/small_proxy.h"

namespace onehop::proxy {
namespace {

using http::Ends;
using test::HandPeer;
using Started = Attempt::Started;
using Words = std::vector<std::string>;

constexpr std::string_view kEmpty = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

// The exchange's ears: what was said, in order.
class Ears final : public AttemptEvents {
 public:
  void on_dialing() override { heard.emplace_back("dialing"); }
  void on_queued() override { heard.emplace_back("queued"); }
  void on_stream(http::ClientStream&) override { heard.emplace_back("stream"); }
  void on_no_stream(const upstream::LeaseError&) override { heard.emplace_back("no stream"); }
  void on_response_head(const http::ResponseHead& head, Ends ends) override {
    heard.push_back("head " + std::to_string(head.status) + end_of(ends));
  }
  void on_response_body(Buffer& bytes, Ends ends) override {
    heard.push_back("body " + bytes.to_string() + end_of(ends));
    bytes.clear();
  }
  void on_response_trailers(const http::Fields& trailers) override {
    heard.push_back("trailers " + std::to_string(trailers.size()));
  }
  void on_upstream_room() override { heard.emplace_back("room"); }
  void on_upstream_stall() override { heard.emplace_back("stall"); }
  void on_upstream_reset(const http::StreamError& why) override {
    heard.push_back("reset " + std::string(http::row_of(why.violation).name));
  }
  void on_response_waiting(size_t) override { heard.emplace_back("waiting"); }

  Words take() { return std::exchange(heard, {}); }
  Words heard;

 private:
  static std::string end_of(Ends ends) { return ends == Ends::yes ? " end" : ""; }
};

template <class Cells>
uint64_t sum_of(const Cells& cells, size_t count) {
  uint64_t sum = 0;
  for (size_t i = 0; i < count; ++i) sum += cells.value(i);
  return sum;
}

// Two endpoints of an upstream, and the attempts that a test makes there.
struct Side {
  Side() {
    config.name = "app";
    config.endpoints = {{"127.0.0.1:9001", 1}, {"127.0.0.1:9002", 1}};
    config.balance = config::Balance::least_requests;
    head.method = http::Method::get;
    head.method_text = "GET";
    head.target = "/";
    head.authority = "example.org";
  }
  ~Side() {
    loop.end_turn();
    for (size_t i = 0; i < 2; ++i) CHECK(counters(i).in_flight.value() == 0);
  }

  upstream::Upstream& upstream() {
    if (small == nullptr)
      small =
          std::make_unique<onehop::test::SmallProxy>(onehop::test::config_of(config), loop, dialer);
    return *small->upstreams.front();
  }
  upstream::Endpoint& endpoint(size_t index = 0) { return *upstream().endpoints()[index]; }

  Started start(Attempt& attempt, size_t index = 0) {
    const Started started = attempt.start(endpoint(index), {});
    loop.end_turn();
    return started;
  }
  // It gets a connection and asks.
  HandPeer& ask(Attempt& attempt, size_t index = 0) {
    CHECK(start(attempt, index) == Started::dialing);
    HandPeer& peer = dialer.accept();
    send(attempt);
    ears.heard.clear();
    return peer;
  }
  void send(Attempt& attempt) {
    REQUIRE(attempt.stream() != nullptr);
    attempt.stream()->send_head(head, Ends::yes);
    loop.end_turn();
  }

  telemetry::EndpointShard& counters(size_t index = 0) { return endpoint(index).counters(); }
  uint64_t outcomes(Outcome outcome) {
    return counters().outcomes.value(static_cast<size_t>(outcome));
  }
  uint64_t all_outcomes() { return sum_of(counters().outcomes, telemetry::kMaxOutcomes); }
  uint64_t all_requests() { return sum_of(counters().requests, telemetry::kStatusClassCount); }
  // A failure is as much load as four requests: one that failed is passed over for one with three.
  bool blamed(size_t index = 0) {
    upstream::Endpoint& other = endpoint(1 - index);
    std::vector<upstream::EndpointUse> uses;
    for (int i = 0; i < 3; ++i) uses.emplace_back(other);
    return upstream().pick({}) == &other;
  }

  test::HandLoop loop;
  test::HandDialer dialer{loop};
  config::Upstream config;  // to be changed before the first attempt
  std::unique_ptr<onehop::test::SmallProxy> small;
  http::RequestHead head;
  Ears ears;
};

TEST_CASE("an attempt without a connection dials, and says when its stream is there") {
  Side side;
  Attempt attempt(side.ears, side.head, nullptr);
  CHECK(side.start(attempt) == Started::dialing);
  CHECK(attempt.stream() == nullptr);
  CHECK(side.counters().in_flight.value() == 1);
  side.dialer.accept();
  CHECK(attempt.stream() != nullptr);
  CHECK_FALSE(attempt.reused());
  CHECK(side.ears.take() == Words{"stream"});
}

TEST_CASE("an attempt has an idle connection at once, and is told nothing") {
  Side side;
  Attempt attempt(side.ears, side.head, nullptr);
  side.ask(attempt).say(kEmpty);
  attempt.finish(200, Outcome::ok);
  side.ears.heard.clear();
  CHECK(side.start(attempt) == Started::streaming);
  CHECK(attempt.reused());
  CHECK(side.ears.take().empty());
}

TEST_CASE("an attempt in the queue has the connection that is given back") {
  Side side;
  side.config.pool.max_connections = 1;
  Attempt first(side.ears, side.head, nullptr);
  Attempt second(side.ears, side.head, nullptr);
  HandPeer& peer = side.ask(first);
  CHECK(side.start(second) == Started::queued);
  peer.say(kEmpty);
  side.ears.heard.clear();
  first.finish(200, Outcome::ok);
  CHECK(side.ears.take() == Words{"stream"});
  CHECK(second.reused());
  CHECK(side.counters().in_flight.value() == 1);
}

TEST_CASE("an attempt in the queue dials where a connection has gone") {
  Side side;
  side.config.pool.max_connections = 1;
  Attempt first(side.ears, side.head, nullptr);
  Attempt second(side.ears, side.head, nullptr);
  side.ask(first);
  CHECK(side.start(second) == Started::queued);
  first.finish(0, Outcome::client_gone);  // unanswered: its connection is of no use
  CHECK(side.ears.take() == Words{"dialing"});
  CHECK(second.stream() == nullptr);
}

TEST_CASE("an attempt that is refused at once is told nothing and counted when it ends") {
  Side side;
  side.config.pool.max_connections = 1;
  side.config.pool.max_queue = 0;
  Attempt first(side.ears, side.head, nullptr);
  side.ask(first);
  Attempt second(side.ears, side.head, nullptr);
  CHECK(side.start(second) == Started::refused);
  CHECK(second.error().why == upstream::NoLease::queue_full);
  CHECK(side.ears.take().empty());
  second.finish(0, Outcome::queue_full);
  CHECK(side.outcomes(Outcome::queue_full) == 1);
  CHECK(side.all_requests() == 0);
  CHECK(side.counters().in_flight.value() == 1);
}

TEST_CASE("what comes on the stream is passed on as it is") {
  Side side;
  Attempt attempt(side.ears, side.head, nullptr);
  HandPeer& peer = side.ask(attempt);
  peer.say("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  peer.say("3\r\nabc\r\n");
  peer.say("0\r\nA: b\r\n\r\n");
  CHECK(side.ears.take() == Words{"head 103", "head 200", "body abc", "trailers 1"});
}

TEST_CASE("what becomes of the request is passed on, too") {
  Side side;
  Attempt attempt(side.ears, side.head, nullptr);
  side.start(attempt);
  HandPeer& peer = side.dialer.accept();
  peer.takes = 1;
  side.ears.heard.clear();
  side.send(attempt);
  CHECK(side.ears.take() == Words{"stall"});
  peer.takes = SIZE_MAX;
  peer.near->flush();
  CHECK(side.ears.take() == Words{"room"});
  peer.end();
  CHECK(side.ears.take() == Words{"reset gone"});
}

TEST_CASE(
    "an attempt that is answered counts its status and its outcome, and frees its connection") {
  Side side;
  Attempt attempt(side.ears, side.head, nullptr);
  side.ask(attempt).say("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
  attempt.finish(404, Outcome::ok);
  CHECK_FALSE(attempt.active());
  CHECK(side.counters().requests.value(4) == 1);
  CHECK(side.all_requests() == 1);
  CHECK(side.outcomes(Outcome::ok) == 1);
  CHECK(side.counters().idle.value() == 1);
  CHECK(side.counters().retries.value() == 0);
}

TEST_CASE("an attempt that ended is not ended again") {
  Side side;
  Attempt attempt(side.ears, side.head, nullptr);
  side.ask(attempt).say(kEmpty);
  attempt.finish(200, Outcome::ok);
  attempt.finish(200, Outcome::ok);
  attempt.give_way(Outcome::upstream_closed);
  CHECK(side.all_outcomes() == 1);
  CHECK(side.all_requests() == 1);
  CHECK(side.counters().retries.value() == 0);
  CHECK(side.counters().in_flight.value() == 0);
}

TEST_CASE("an attempt that gives way is counted with its outcome and as a retry") {
  Side side;
  Attempt attempt(side.ears, side.head, nullptr);
  side.ask(attempt).end();
  attempt.give_way(Outcome::upstream_closed);
  CHECK(side.outcomes(Outcome::upstream_closed) == 1);
  CHECK(side.counters().requests.value(0) == 1);
  CHECK(side.counters().retries.value() == 1);
  CHECK(side.counters().in_flight.value() == 0);
  CHECK(side.start(attempt, 1) == Started::dialing);  // the next try, elsewhere
  CHECK(attempt.endpoint() == &side.endpoint(1));
  CHECK(side.counters(1).in_flight.value() == 1);
}

TEST_CASE("an attempt that is dropped leaves everything as it was, in whatever state it is") {
  Side side;
  side.config.pool.max_connections = 1;
  side.config.pool.max_queue = 1;
  {
    Attempt connected(side.ears, side.head, nullptr);
    side.ask(connected);
    Attempt queued(side.ears, side.head, nullptr);
    CHECK(side.start(queued) == Started::queued);
    Attempt refused(side.ears, side.head, nullptr);
    CHECK(side.start(refused) == Started::refused);
    Attempt dialing(side.ears, side.head, nullptr);
    CHECK(side.start(dialing, 1) == Started::dialing);
  }
  side.loop.end_turn();
  for (size_t i = 0; i < 2; ++i) {
    CHECK(side.counters(i).queued.value() == 0);
    CHECK(side.counters(i).connecting.value() == 0);
    CHECK(side.counters(i).open.value() == 0);
    CHECK(side.counters(i).in_flight.value() == 0);
  }
  CHECK(side.all_outcomes() == 0);
  CHECK(side.all_requests() == 0);
}

TEST_CASE("the balancer is told of what the endpoint did, and of nobody else's doing") {
  struct Row {
    int status;
    Outcome outcome;
    bool blamed;
  };
  for (const Row& row :
       {Row{200, Outcome::ok, false}, Row{404, Outcome::ok, false}, Row{500, Outcome::ok, true},
        Row{0, Outcome::upstream_closed, true}, Row{0, Outcome::upstream_refused, true},
        Row{0, Outcome::upstream_closed_idle, false}, Row{0, Outcome::response_head_timeout, true},
        Row{0, Outcome::client_gone, false}, Row{0, Outcome::stopped, false},
        Row{200, Outcome::upstream_incomplete, true}}) {
    INFO(row.status << " " << row_of(row.outcome).name);
    Side side;
    Attempt attempt(side.ears, side.head, nullptr);
    side.ask(attempt);
    attempt.finish(row.status, row.outcome);
    CHECK(side.blamed() == row.blamed);
  }
}

// A call is answered with `status`, in trailers or in a head of its own; whose fault that is.
bool call_blames(const std::string& status, bool in_head, bool is_call) {
  Side side;
  Attempt attempt(side.ears, side.head, nullptr);
  attempt.take_route("/api", is_call);
  HandPeer& peer = side.ask(attempt);
  const std::string field = "grpc-status: " + status + "\r\n";
  if (in_head) {
    peer.say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + field + "\r\n");
  } else {
    peer.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + field + "\r\n");
  }
  attempt.finish(200, Outcome::ok);
  CHECK(side.outcomes(Outcome::ok) == 1);
  return side.blamed();
}

TEST_CASE("a gRPC call that its endpoint failed is a failure there, though HTTP says 200") {
  for (const bool in_head : {false, true}) {
    CAPTURE(in_head);
    for (const char* status : {"2", "4", "13", "14", "15"}) {
      INFO(status);
      CHECK(call_blames(status, in_head, true));
      CHECK_FALSE(call_blames(status, in_head, false));
    }
    for (const char* status : {"0", "1", "3", "5", "7", "8", "12", "16", "x"}) {
      INFO(status);
      CHECK_FALSE(call_blames(status, in_head, true));
    }
  }
}

TEST_CASE("a gRPC call that failed at one endpoint says nothing of the next") {
  Side side;
  Attempt attempt(side.ears, side.head, nullptr);
  attempt.take_route("/api", true);
  side.ask(attempt).say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\ngrpc-status: 14\r\n\r\n");
  attempt.finish(200, Outcome::ok);
  side.ask(attempt, 1).say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\ngrpc-status: 0\r\n\r\n");
  attempt.finish(200, Outcome::ok);
  CHECK(side.blamed(0));  // compared with the other one, which must have no failure
}

std::vector<std::string> logged;

TEST_CASE("an attempt that fails is logged with what it was for, and why") {
  logged.clear();
  FailureLog log([] { return uint64_t{10'000}; },
                 [](std::string_view line) { logged.emplace_back(line); });
  Side side;
  std::vector<http::Field> room(1);
  side.head.fields = http::Fields(room);
  side.head.fields.add("X-Request-Id", "0a1b");
  Attempt attempt(side.ears, side.head, &log);
  attempt.take_route("/api", false);
  side.start(attempt);
  side.dialer.refuse(ECONNREFUSED);
  CHECK(side.ears.take() == Words{"no stream"});
  attempt.give_way(Outcome::connect_refused);
  CHECK(side.all_requests() == 0);  // without a connection the endpoint never had it
  side.ask(attempt, 1);
  attempt.give_way(Outcome::response_head_timeout);
  side.ask(attempt, 1).end();
  attempt.finish(0, Outcome::upstream_closed);
  side.ask(attempt);
  attempt.finish(0, Outcome::client_gone);  // is nobody's business
  const auto line = [](const std::string& port, Outcome outcome, const std::string& why) {
    const std::string said = std::string(row_of(outcome).name) + ": ";
    return "upstream app: 127.0.0.1:" + port + ": " + said + std::string(row_of(outcome).sentence) +
           why + "; route /api; request 0a1b; GET /";
  };
  const std::string again = "; the request is tried again";
  CHECK(logged ==
        Words{line("9001", Outcome::connect_refused, " (Connection refused)" + again),
              line("9002", Outcome::response_head_timeout, again),
              line("9002", Outcome::upstream_closed, " (The connection was closed or reset)")});
}

}  // namespace
}  // namespace onehop::proxy
