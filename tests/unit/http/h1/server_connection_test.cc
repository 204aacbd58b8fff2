// SPDX-License-Identifier: MIT
// A client's connection from its first byte to its last, with a client and an answerer that the
// test plays: whose turn it is, when it ends, and that nothing of it is counted afterwards.
#include <deque>
#include <optional>
#include <string>
#include <utility>

#include "tests/support/catch.h"
#include "tests/support/hand_side.h"

namespace onehop::http::h1 {
namespace {

using config::HalfClose;
using test::HandPeer;
using test::HandSide;
using test::HandTransport;

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view kUpgrade =
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n";
constexpr const char* kClose = "Connection: close\r\n";
constexpr uint64_t kTick = 8;  // of deadlines

struct Request {
  ServerStream* stream;
  std::string target = {};
  std::string body = {};
  bool whole = false;                   // its body has ended
  std::optional<StreamError> why = {};  // it was reset
  int resets = 0;
  HeadTimes times = {};
};

// Whoever answers: as the test says, but for faults of the client, which are a 400.
class Desk final : public Service {
 public:
  std::unique_ptr<Responder> open(ServerStream& stream, const Client&,
                                  const HeadTimes& times) override {
    Request& request = requests.emplace_back(Request{&stream});
    request.times = times;
    return std::make_unique<Ears>(request);
  }
  std::deque<Request> requests;

 private:
  class Ears final : public Responder {
   public:
    explicit Ears(Request& request) : request_(request) {}
    void on_head(const RequestHead& head, Ends) override { request_.target = head.target; }
    void on_body(Buffer& bytes, Ends ends) override {
      request_.body += bytes.to_string();
      request_.whole = ends == Ends::yes;
    }
    void on_trailers(const Fields&) override {}
    void on_room() override {}
    void on_stall() override {}
    void on_reset(const StreamError& why) override {
      ++request_.resets;
      if (!request_.why.has_value()) request_.why = why;
      if (!why.may_answer) return;
      ResponseHead head;
      head.status = 400;
      request_.stream->send_head(head, Ends::yes);
    }

   private:
    Request& request_;
  };
};

struct Side {
  ~Side() {
    side.connections.close_all();
    side.loop.end_turn();
    CHECK(side.counters.open.value() == 0);
    CHECK(side.counters.idle.value() == 0);
  }

  void say(std::string_view bytes) {
    if (!std::exchange(begun_, true)) side.serve_h1(peer);
    peer.say(bytes);
    side.loop.end_turn();
  }
  void end() {
    peer.end();
    side.loop.end_turn();
  }
  // Before anything is said.
  void half_close(HalfClose means) {
    config::Listener listener;
    listener.half_close = means;
    side.use_listener(listener);
  }
  void pass(uint64_t ms) {
    side.loop.pass_ms(ms);
    side.loop.end_turn();
  }
  Request& request() {  // the one that came last
    REQUIRE_FALSE(desk.requests.empty());
    return desk.requests.back();
  }
  ServerStream& stream() { return *request().stream; }
  size_t asked() const { return desk.requests.size(); }
  void answer(std::string_view body = "ok", int status = 200) {
    begin_answer(BodyLength::of(body.size()), status);
    go_on(body, Ends::yes);
  }
  void begin_answer(BodyLength length, int status = 200) {
    ResponseHead head;
    head.status = status;
    head.body = length;
    if (status == 101) head.upgrade = "echo";
    stream().send_head(head, Ends::no);
    side.loop.end_turn();
  }
  void go_on(std::string_view body, Ends ends) {
    Buffer bytes;
    bytes.append(body);
    stream().send_body(std::move(bytes), ends);
    side.loop.end_turn();
  }
  std::string got() { return std::exchange(peer.taken, {}); }

  Desk desk;
  HandPeer peer;
  HandSide side{desk};

 private:
  bool begun_ = false;
};

TEST_CASE("requests that are sent ahead are begun one after the other, with the bodies between") {
  Side side;
  side.say("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" + std::string(kGet) +
           "GET /third HTTP/1.1\r\nHost: a\r\n\r\n");
  side.stream().set_reading(true);
  side.side.loop.end_turn();
  CHECK(side.asked() == 1);
  CHECK(side.request().body == "abc");
  side.answer("one");
  CHECK(side.asked() == 2);
  CHECK(side.got() == "HTTP/1.1 200 \r\nContent-Length: 3\r\n\r\none");
  side.answer("two");
  CHECK(side.got().ends_with("two"));
  CHECK(side.request().target == "/third");
}

TEST_CASE("a connection goes on where version and Connection say so, and its client is told") {
  struct Row {
    std::string request, said;
    bool goes_on;
  };
  const std::string close = kClose, keep_alive = "Connection: keep-alive\r\n";
  for (const Row& row :
       {Row{"1.1\r\n", "", true}, Row{"1.1\r\n" + close, close, false},
        Row{"1.0\r\n", close, false}, Row{"1.0\r\n" + keep_alive, keep_alive, true}}) {
    INFO(row.request);
    Side side;
    side.say("GET / HTTP/" + row.request + "Host: a\r\n\r\n");
    side.answer();
    CHECK(side.got() == "HTTP/1.1 200 \r\nContent-Length: 2\r\n" + row.said + "\r\nok");
    CHECK(side.peer.closed != row.goes_on);
    CHECK(side.side.counters.idle.value() == (row.goes_on ? 1 : 0));
  }
}

TEST_CASE("a client that is silent too long is closed without a word, first and between requests") {
  const bool has_asked = GENERATE(false, true);
  Side side;
  side.say(has_asked ? kGet : "");
  if (has_asked) {
    side.pass(100'000);  // it is not the client who is waited for
    side.answer();
    side.got();
  }
  side.pass((has_asked ? 60'000 : 10'000) - kTick);
  CHECK_FALSE(side.peer.closed);
  side.pass(2 * kTick);
  CHECK(side.peer.closed);
  CHECK(side.got().empty());
  CHECK(side.side.counters.idle_timeouts.value() == 1);
}

TEST_CASE("the time of a head runs from its first byte, and its end may be answered") {
  Side side;
  side.say("");
  side.pass(9'000);
  side.say("GET / HT");
  side.pass(6'000);
  side.say("TP/1.1\r\n");
  CHECK(side.asked() == 0);
  side.pass(5'000);
  REQUIRE(side.request().why);
  CHECK(side.request().why->violation == Violation::head_timeout);
  const HeadTimes& times = side.request().times;
  CHECK(times.last_byte_ns - times.first_byte_ns >= 10'000'000'000u);
  CHECK(side.request().why->may_answer);
  CHECK(side.got().find(kClose) != std::string::npos);
}

TEST_CASE("a head that is malformed may be answered, and nothing behind it is read") {
  Side side;
  side.say("GET / HTTP/1.1\r\nHost : a\r\n\r\n" + std::string(kGet));
  REQUIRE(side.asked() == 1);
  CHECK(side.request().why->violation == Violation::bad_field);
  CHECK(side.got() == "HTTP/1.1 400 \r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  CHECK(side.peer.finished);
  CHECK_FALSE(side.peer.closed);  // it lingers, or its reset would take the answer along
  side.say(kGet);
  CHECK(side.asked() == 1);
  side.end();
  CHECK(side.peer.closed);
}

TEST_CASE("who was told of the end may send for two seconds more, or four megabytes") {
  const bool by_time = GENERATE(true, false);
  Side side;
  side.say("GET / HTTP/1.1\r\nHost : a\r\n\r\n");
  by_time ? side.pass(2'000 - kTick) : side.say(std::string(4 << 20, 'x'));
  CHECK_FALSE(side.peer.closed);
  by_time ? side.pass(2 * kTick) : side.say("x");
  CHECK(side.peer.closed);
}

TEST_CASE("after an early answer a little rest of a body is dropped, and more of it ends all") {
  struct Row {
    std::string fields;
    size_t rest;
    bool goes_on;
  };
  for (const Row& row :
       {Row{"Content-Length: 65536", 65'536, true}, Row{"Content-Length: 65537", 65'537, false},
        Row{"Transfer-Encoding: chunked", 0, false},
        Row{"Content-Length: 1\r\nExpect: 100-continue", 1, false}}) {
    INFO(row.fields);
    Side side;
    side.say("POST / HTTP/1.1\r\nHost: a\r\n" + row.fields + "\r\n\r\n");
    side.answer("no", 413);
    CHECK((side.got().find(kClose) == std::string::npos) == row.goes_on);
    CHECK(side.peer.finished != row.goes_on);
    side.say(std::string(row.rest, 'x') + std::string(kGet));
    CHECK(side.asked() == (row.goes_on ? 2 : 1));
  }
}

TEST_CASE("a client that waits for 100 gets it at once, and what it sends then is its body") {
  Side side;
  side.say("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  side.begin_answer({}, 100);
  CHECK(side.got() == "HTTP/1.1 100 \r\n\r\n");
  side.stream().set_reading(true);
  side.say("abc");
  CHECK(side.request().body == "abc");
  side.answer();
  CHECK(side.got() == "HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok");
}

TEST_CASE("a 100 that is taken back before it left is still awaited, so the connection ends") {
  Side side;
  side.say("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\nExpect: 100-continue\r\n\r\n");
  ResponseHead head;
  head.status = 100;
  side.stream().send_head(head, Ends::no);
  REQUIRE(side.stream().take_back());
  head.status = 502;
  head.body = BodyLength::of(0);
  side.stream().send_head(head, Ends::yes);
  side.side.loop.end_turn();
  const std::string got = side.got();
  CHECK(got.starts_with("HTTP/1.1 502"));
  CHECK(got.find(kClose) != std::string::npos);
  CHECK(side.peer.finished);
}

TEST_CASE("whoever answers is told once that its client has gone") {
  Side side;
  side.half_close(HalfClose::cancel);
  side.say(kGet);
  side.end();
  CHECK(side.request().resets == 1);
}

TEST_CASE("what nobody wants is read ahead as far as 16 KiB, and then not read") {
  Side side;
  side.say("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
  side.say(std::string(16 * 1024 - 1, 'x'));
  CHECK(side.peer.reading);
  side.say("x");
  CHECK_FALSE(side.peer.reading);
  CHECK(side.request().body.empty());
  side.stream().set_reading(true);
  side.side.loop.end_turn();
  CHECK(side.request().body.size() == 16 * 1024);
  CHECK(side.peer.reading);
}

TEST_CASE("a tunnel carries both ways, also what came behind the request") {
  Side side;
  side.say(std::string(kUpgrade) + "ahead");
  side.begin_answer({}, 101);
  CHECK(side.got() == "HTTP/1.1 101 \r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n");
  side.stream().set_reading(true);
  side.say(kGet);  // only bytes now
  CHECK(side.request().body == "ahead" + std::string(kGet));
  CHECK(side.asked() == 1);
  side.go_on("back", Ends::no);
  CHECK(side.got() == "back");
}

TEST_CASE("each direction of a tunnel ends by itself, and the second ends the connection") {
  const bool client_first = GENERATE(true, false);
  Side side;
  side.say(kUpgrade);
  side.begin_answer({}, 101);
  side.stream().set_reading(true);
  if (client_first) {
    side.end();
    CHECK(side.request().whole);
    CHECK_FALSE(side.peer.finished);
    side.go_on("last words", Ends::yes);
  } else {
    side.go_on("last words", Ends::yes);
    CHECK(side.peer.finished);
    CHECK_FALSE(side.peer.closed);
    side.say("more");
    CHECK(side.request().body == "more");
    side.end();
  }
  CHECK(side.peer.closed);
  CHECK_FALSE(side.request().why);
}

TEST_CASE("a client that ends its side while it waits has left, unless half_close says serve") {
  const bool serves = GENERATE(false, true);
  Side side;
  side.half_close(serves ? HalfClose::serve : HalfClose::cancel);
  side.say(std::string(kGet) + std::string(kGet));
  side.end();
  REQUIRE(side.request().why.has_value() != serves);
  if (serves) {
    side.answer("one");
    side.answer("two");
    CHECK(side.got().ends_with("two"));
  } else {
    CHECK(side.request().why->violation == Violation::half_closed);
    CHECK_FALSE(side.request().why->may_answer);
  }
  CHECK(side.peer.closed);
}

TEST_CASE("a request that ends too early may be answered, in its head and in its body") {
  for (const char* begun :
       {"GET / HT", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab"}) {
    Side side;
    side.say(begun);
    if (side.asked() > 0) side.stream().set_reading(true);
    side.end();
    REQUIRE(side.request().why);
    CHECK(side.request().why->violation == Violation::incomplete);
    CHECK(side.got().starts_with("HTTP/1.1 400 "));
    CHECK(side.peer.closed);
  }
}

TEST_CASE("a client that takes nothing is cut off after write_stall, and one that does is not") {
  Side side;
  side.say(kGet);
  side.peer.takes = 0;
  side.answer(std::string(100'000, 'x'));
  side.pass(59'000);
  side.peer.takes = 20'000;
  side.peer.near->flush();
  side.pass(59'000);
  CHECK_FALSE(side.peer.closed);
  side.pass(1'000 + kTick);
  CHECK(side.peer.closed);
  REQUIRE(side.request().why);
  CHECK(side.request().why->violation == Violation::write_timeout);
  CHECK_FALSE(side.request().why->may_answer);
}

TEST_CASE("a drain closes who is idle after its time, and who is answered behind the answer") {
  const bool races = GENERATE(false, true);
  Side side;
  side.say(kGet);
  side.answer();
  side.side.connections.drain(200);
  side.pass(200 - kTick);
  CHECK_FALSE(side.peer.closed);
  if (races) {
    side.say(kGet);
    side.pass(1'000);
    CHECK(side.got().find(kClose) == std::string::npos);
    side.answer();
    CHECK(side.got().find(kClose) != std::string::npos);
    side.end();
  } else {
    side.pass(2 * kTick);
  }
  CHECK(side.peer.closed);
  CHECK(side.side.counters.idle_timeouts.value() == 0);
}

TEST_CASE("84: a drain that comes behind the head of a response lets its client ask once more") {
  const bool asks = GENERATE(false, true);
  Side side;
  side.say(kGet);
  side.begin_answer(BodyLength::of(2));
  side.side.connections.drain(200);
  side.go_on("ok", Ends::yes);
  CHECK(side.got().find(kClose) == std::string::npos);
  side.pass(200 - kTick);
  REQUIRE_FALSE(side.peer.closed);
  if (asks) {
    side.say(kGet);
    REQUIRE(side.asked() == 2);
    side.pass(1'000);
    side.answer();
    CHECK(side.got().find(kClose) != std::string::npos);
    side.end();
  } else {
    side.pass(2 * kTick);
  }
  CHECK(side.peer.closed);
  CHECK(side.side.counters.idle_timeouts.value() == 0);
}

std::string handed_over;

void take(net::Loop&, net::TransportPtr, const Client&, Service&, const ServerSettings& settings,
          ServerConnections&, Buffer&& first) {
  handed_over = first.to_string();
  settings.counters.open.add(-1);  // as whoever goes on with it does in the end
  settings.counters.idle.add(-1);
}

// What is handed over of what a client says, in as many pieces.
std::string handed_over_of(std::initializer_list<std::string_view> pieces) {
  handed_over.clear();
  Side side;
  serve_either(side.side.loop, HandTransport::make(side.side.loop, side.peer), side.side.client,
               side.desk, side.side.settings, side.side.connections, take);
  for (const std::string_view piece : pieces) {
    side.peer.say(piece);
    side.side.loop.end_turn();
    if (side.asked() > 0 && !side.request().why) side.answer();
  }
  return handed_over;
}

TEST_CASE("the preface of HTTP/2 goes to whoever speaks it, with what came behind it") {
  const std::string preface(kPreface);
  CHECK(handed_over_of({preface + "more"}) == preface + "more");
  CHECK(handed_over_of({"P", preface.substr(1, 9), preface.substr(10)}) == preface);
  CHECK(handed_over_of({preface.substr(0, 23)}).empty());
  CHECK(handed_over_of({"PRI * HTTP/2.0\r\n\r\nxx\r\n\r\n"}).empty());
  CHECK(handed_over_of({kGet, preface}).empty());  // a connection does not change its protocol
}

}  // namespace
}  // namespace onehop::http::h1
