// SPDX-License-Identifier: MIT
// However much one client has sent ahead, a turn does a bounded part of it, and the loop goes on
// with the rest without sleeping.
#include <map>

#include "tests/support/catch.h"
#include "tests/support/h2_client.h"
#include "tests/support/hand_side.h"

namespace onehop::http {
namespace {

using test::HandPeer;
using test::HandSide;

// Answers every request at once, as onehop does when it needs no endpoint.
class Greeter final : public Service {
 public:
  std::unique_ptr<Responder> open(ServerStream& stream, const Client&, const HeadTimes&) override {
    return std::make_unique<Greeting>(*this, stream);
  }
  int answered = 0;

 private:
  class Greeting final : public Responder {
   public:
    Greeting(Greeter& greeter, ServerStream& stream) : greeter_(greeter), stream_(stream) {}
    void on_head(const RequestHead&, Ends) override {
      ++greeter_.answered;
      ResponseHead head;
      head.status = 204;
      stream_.send_head(head, Ends::yes);
    }
    void on_body(Buffer&, Ends) override {}
    void on_trailers(const Fields&) override {}
    void on_room() override {}
    void on_stall() override {}
    void on_reset(const StreamError&) override {}

   private:
    Greeter& greeter_;
    ServerStream& stream_;
  };
};

// Heads may be as large as a test likes.
config::Limits limits() {
  config::Limits limits;
  limits.request_head = 64 * 1024;
  return limits;
}

std::string repeated(std::string_view text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

constexpr int kSentAhead = 1000;
constexpr int kMostPerTurn = 100;

// Ends turns until everything is answered; the most that one of them answered.
int most_in_a_turn(HandSide& side, const Greeter& greeter, int wanted) {
  int most = 0;
  for (int turns = 0; greeter.answered < wanted; ++turns) {
    REQUIRE(turns < wanted);
    const int before = greeter.answered;
    side.loop.end_turn();
    most = std::max(most, greeter.answered - before);
    // Or the loop would sleep on what is left.
    REQUIRE((greeter.answered == wanted || side.loop.has_work()));
  }
  return most;
}

TEST_CASE("requests that a client has sent ahead are answered over many turns") {
  HandPeer peer;
  Greeter greeter;
  HandSide side(greeter, limits());
  side.serve_h1(peer);
  peer.say(repeated("GET / HTTP/1.1\r\nHost: a\r\n\r\n", kSentAhead));
  CHECK(greeter.answered <= kMostPerTurn);
  CHECK(most_in_a_turn(side, greeter, kSentAhead) <= kMostPerTurn);
  CHECK(peer.taken == repeated("HTTP/1.1 204 \r\n\r\n", kSentAhead));
}

TEST_CASE("a client that sends ahead leaves the turns of others alone") {
  HandPeer greedy;
  HandPeer modest;
  Greeter greeter;
  HandSide side(greeter, limits());
  for (HandPeer* peer : {&greedy, &modest}) side.serve_h1(*peer);
  greedy.say(repeated("GET / HTTP/1.1\r\nHost: a\r\n\r\n", kSentAhead));
  side.loop.end_turn();
  for (int i = 0; i < 10; ++i) {
    modest.taken.clear();
    modest.say("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    side.loop.end_turn();
    CHECK(modest.taken == "HTTP/1.1 204 \r\n\r\n");
  }
  CHECK(greeter.answered < kSentAhead);
}

TEST_CASE("streams that one read of HTTP/2 begins are begun over many turns") {
  HandPeer peer;
  Greeter greeter;
  HandSide side(greeter, limits());
  side.serve_h2(peer);
  std::string sent(kPreface);
  sent += test::h2_settings({}).wire();
  // Each is reset behind its head, so that no limit on open streams holds them back.
  for (int i = 0; i < kSentAhead; ++i) {
    sent += test::h2_headers(2 * i + 1, test::h2_request(), 0x5).wire();
    if (i % 2 == 0) sent += test::h2_reset(2 * i + 1).wire();
  }
  peer.say(sent);
  CHECK(greeter.answered <= kMostPerTurn);
  CHECK_FALSE(peer.reading);
  CHECK(most_in_a_turn(side, greeter, kSentAhead) <= kMostPerTurn);
  side.loop.end_turn();
  CHECK(peer.reading);
}

}  // namespace
}  // namespace onehop::http
