// SPDX-License-Identifier: MIT
// A connection to an endpoint, with both of its ends played by the test: what each exchange leaves
// it good for, and what is said of one that comes to nothing.
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/hand_side.h"

namespace onehop::http::h1 {
namespace {

using telemetry::Closer;
using test::HandLoop;
using test::HandPeer;
using test::HandTransport;
using Words = std::vector<std::string>;

constexpr std::string_view kEmpty = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
constexpr std::string_view kSwitch =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n";

// Whoever owns the connection and asks on it, and what it heard.
class Side final : private ClientConnection::Events, private ClientStream::Events {
 public:
  Side() : connection(connect(loop, HandTransport::make(loop, peer), limits, counters, *this)) {}
  ~Side() {
    if (stream != nullptr) close();
    if (!peer.closed) connection->abandon();
    loop.end_turn();
  }

  StreamEnd close() { return connection->close_stream(*std::exchange(stream, nullptr)); }

  // A request; its body, if it has one, is still to come.
  void send(Method method = Method::get, BodyLength body = {}, std::string_view upgrade = {}) {
    stream = &connection->open_stream(*this);
    RequestHead head;
    head.method = method;
    head.method_text = method == Method::head ? "HEAD" : method == Method::post ? "POST" : "GET";
    head.target = "/";
    head.authority = "a";
    head.body = body;
    head.upgrade = upgrade;
    stream->send_head(head, body.kind == BodyLength::Kind::none ? Ends::yes : Ends::no);
  }
  void ask(Method method = Method::get, BodyLength body = {}, std::string_view upgrade = {}) {
    send(method, body, upgrade);
    loop.end_turn();
    heard.clear();
  }
  void send_body(std::string_view body, Ends ends) {
    Buffer bytes;
    bytes.append(body);
    stream->send_body(std::move(bytes), ends);
    loop.end_turn();
  }
  void say(std::string_view bytes) {
    peer.say(bytes);
    loop.end_turn();
  }
  void end() {
    peer.end();
    loop.end_turn();
  }
  Words take() { return std::exchange(heard, {}); }

  HandLoop loop;
  HandPeer peer;
  config::Limits limits;
  telemetry::EndpointShard counters;
  ClientStream* stream = nullptr;
  Words heard;
  std::optional<StreamError> why;     // the stream was reset
  std::optional<Violation> idle_end;  // the connection ended while nobody used it
  std::unique_ptr<ClientConnection> connection;

 private:
  void on_idle_end(ClientConnection&, Violation end) override { idle_end = end; }
  void on_capacity(ClientConnection&) override {}
  void on_head(const ResponseHead& head, Ends ends) override {
    const bool known = head.body.kind == BodyLength::Kind::known;
    hear("head " + std::to_string(head.status) +
             (known ? " of " + std::to_string(head.body.bytes) : ""),
         ends);
  }
  void on_body(Buffer& bytes, Ends ends) override {
    hear("body " + bytes.to_string(), ends);
    bytes.clear();
  }
  void on_trailers(const Fields& trailers) override {
    hear("trailers " + std::to_string(trailers.size()), Ends::yes);
  }
  void on_room() override {}
  void on_stall() override {}
  void on_reset(const StreamError& error) override { why = error; }
  void hear(const std::string& what, Ends ends) {
    heard.push_back(ends == Ends::yes ? what + ", end" : what);
  }
};

TEST_CASE("a whole exchange leaves a connection that the next one can have") {
  Side side;
  for (int i = 0; i < 2; ++i) {
    CHECK(side.connection->capacity() == 1);
    side.ask();
    CHECK(side.connection->capacity() == 0);
    side.say("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    CHECK(side.take() == Words{"head 200 of 5", "body hello, end"});
    CHECK(side.close() == StreamEnd::reusable);
  }
}

TEST_CASE("the answers to HEAD and 304 end with their heads, whatever length they say") {
  for (const auto& [method, status] :
       {std::pair(Method::head, "200"), std::pair(Method::get, "304")}) {
    Side side;
    side.ask(method);
    side.say("HTTP/1.1 " + std::string(status) + " X\r\nContent-Length: 5\r\n\r\n");
    CHECK(side.take() == Words{"head " + std::string(status) + " of 5, end"});
    CHECK(side.close() == StreamEnd::reusable);
  }
}

TEST_CASE("a response says whether its connection goes on") {
  struct Row {
    const char* head;
    StreamEnd end;
  };
  for (const Row& row :
       {Row{"HTTP/1.1 200 OK\r\n", StreamEnd::reusable},
        Row{"HTTP/1.1 200 OK\r\nConnection: close\r\n", StreamEnd::not_persistent},
        Row{"HTTP/1.0 200 OK\r\n", StreamEnd::not_persistent},
        Row{"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n", StreamEnd::reusable}}) {
    INFO(row.head);
    Side side;
    side.ask();
    side.say(row.head + std::string("Content-Length: 0\r\n\r\n"));
    CHECK(side.close() == row.end);
    CHECK(side.connection->capacity() == (row.end == StreamEnd::reusable ? 1 : 0));
    CHECK(side.connection->closer() == Closer::onehop);
  }
}

TEST_CASE("each response says anew for how long its endpoint keeps the connection") {
  Side side;
  CHECK(side.connection->keep_alive_seconds() == -1);
  side.ask();
  side.say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nKeep-Alive: timeout=5\r\n\r\n");
  CHECK(side.connection->keep_alive_seconds() == 5);
  side.close();
  side.ask();
  side.say(kEmpty);
  CHECK(side.connection->keep_alive_seconds() == -1);
}

TEST_CASE("a body without a length ends with the connection, which is used no more") {
  Side side;
  side.ask();
  side.say("HTTP/1.1 200 OK\r\n\r\nabc");
  side.end();
  CHECK(side.take() == Words{"head 200", "body abc", "body , end"});
  CHECK_FALSE(side.why);
  CHECK(side.close() == StreamEnd::not_persistent);
  CHECK(side.connection->closer() == Closer::peer);
}

TEST_CASE("bytes behind a response reach nobody and end the connection, whenever they come") {
  const std::string head = "HTTP/1.1 200 OK\r\n";
  for (const std::string& response : {std::string(kEmpty), head + "Content-Length: 5\r\n\r\nhello",
                                      head + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"}) {
    for (const bool at_once : {true, false}) {
      INFO(response << at_once);
      Side side;
      side.ask();
      side.say(at_once ? response + "HTTP/1.1 200" : response);
      REQUIRE_FALSE(side.heard.empty());
      CHECK(side.take().back().ends_with(", end"));
      if (!at_once) side.say("H");
      CHECK(side.take().empty());
      CHECK_FALSE(side.why);
      CHECK(side.counters.surplus.value() == 1);
      CHECK(side.close() == StreamEnd::not_drained);
    }
  }
}

TEST_CASE("an idle connection ends with any byte, and with its endpoint's end") {
  const bool says = GENERATE(true, false);
  Side side;
  side.ask();
  side.say(kEmpty);
  side.close();
  says ? side.say("H") : side.end();
  REQUIRE(side.idle_end);
  CHECK(*side.idle_end == (says ? Violation::surplus : Violation::gone));
  CHECK(side.counters.surplus.value() == (says ? 1 : 0));
  CHECK(side.connection->takes_no_more());
}

TEST_CASE("a response before its request's end is whole, and its connection used no more") {
  const bool was_sent = GENERATE(true, false);  // as far as the exchange goes: not all has left
  Side side;
  side.ask(Method::post, BodyLength::of(10));
  if (was_sent) side.peer.takes = 0;
  side.send_body("helloworld", was_sent ? Ends::yes : Ends::no);
  side.say(kEmpty);
  CHECK(side.take() == Words{"head 200 of 0, end"});
  CHECK(side.close() == StreamEnd::not_drained);
}

TEST_CASE("a request that is given up before a byte left was none") {
  Side side;
  side.send();
  CHECK(side.close() == StreamEnd::reusable);
  side.loop.end_turn();
  CHECK(side.peer.taken.empty());
  side.ask(Method::head);
  CHECK(side.peer.taken.starts_with("HEAD / HTTP/1.1\r\n"));
  side.say(kEmpty);
  CHECK(side.close() == StreamEnd::reusable);
}

TEST_CASE("a request of which a part has left is not taken back") {
  for (const size_t takes : {size_t{0}, size_t{1}, SIZE_MAX}) {
    CAPTURE(takes);
    Side side;
    side.peer.takes = takes;
    side.ask();
    CHECK_FALSE(side.stream->take_back());
    CHECK(side.close() == StreamEnd::not_drained);
  }
}

TEST_CASE("interim responses come in order, before the one that counts") {
  Side side;
  side.ask();
  side.say("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 2");
  side.say("00 OK\r\nContent-Length: 0\r\n\r\n");
  CHECK(side.take() == Words{"head 100", "head 103", "head 200 of 0, end"});
  CHECK(side.close() == StreamEnd::reusable);
}

TEST_CASE("interim responses without an end are a fault, and each request has its own") {
  Side side;
  const std::string_view hints = "HTTP/1.1 103 Early Hints\r\n\r\n";
  for (int i = 0; i < 2; ++i) {
    side.ask();
    for (int j = 0; j < 200; ++j) side.say(hints);
    side.say(kEmpty);
    CHECK(side.heard.size() == 201);
    CHECK(side.close() == StreamEnd::reusable);
  }
  side.ask();
  for (int i = 0; i < 300 && !side.why; ++i) side.say(hints);
  REQUIRE(side.why);
  CHECK(side.why->violation == Violation::too_many_interim);
  CHECK(side.close() == StreamEnd::broken);
}

TEST_CASE("what came of a request without an answer is told by how far either side was") {
  struct Row {
    const char* said;
    Violation violation;
  };
  for (const Row& row :
       {Row{"", Violation::gone}, Row{"HTTP/1.1 20", Violation::incomplete},
        Row{"HTTP/1.1 103 Hints\r\n\r\n", Violation::gone},
        Row{"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc", Violation::incomplete},
        Row{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
            Violation::incomplete}}) {
    INFO(row.said);
    Side side;
    side.ask();
    side.say(row.said);
    side.end();
    REQUIRE(side.why);
    CHECK(side.why->violation == row.violation);
    CHECK(side.why->sent_anything);
    CHECK(side.connection->takes_no_more());
    CHECK(side.close() == StreamEnd::broken);
    CHECK(side.connection->closer() == Closer::peer);
  }
}

TEST_CASE("a connection that ends before a byte of its request left has not seen it") {
  Side side;
  side.ask();
  side.say(kEmpty);
  side.close();
  side.send();
  side.peer.end();
  REQUIRE(side.why);
  CHECK(side.why->violation == Violation::gone);
  CHECK_FALSE(side.why->sent_anything);
}

TEST_CASE("bytes that come before the request has left are no answer to it") {
  Side side;
  side.send();
  side.peer.say(kEmpty);
  REQUIRE(side.why);
  CHECK(side.why->violation == Violation::gone);
  CHECK_FALSE(side.why->sent_anything);
  CHECK(side.heard.empty());
  CHECK(side.counters.surplus.value() == 1);
  CHECK(side.close() == StreamEnd::not_drained);
}

TEST_CASE("a response that breaks the rules is told with what is wrong, and is the last") {
  struct Row {
    const char* said;
    Violation violation;
  };
  for (const Row& row :
       {Row{"ICY 200 OK\r\n\r\n", Violation::bad_start_line},
        Row{"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", Violation::bad_content_length},
        Row{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", Violation::bad_chunk},
        Row{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nx y: z\r\n\r\n",
            Violation::bad_trailer},
        Row{kSwitch.data(), Violation::bad_switch}}) {
    INFO(row.said);
    Side side;
    side.ask();
    side.say(row.said);
    REQUIRE(side.why);
    CHECK(side.why->violation == row.violation);
    CHECK(side.close() == StreamEnd::broken);
    CHECK(side.connection->closer() == Closer::error);
  }
}

TEST_CASE("a paused body waits, a little of it here and the rest with its endpoint") {
  Side side;
  side.ask();
  side.say("HTTP/1.1 200 OK\r\nContent-Length: 6000\r\n\r\n");
  side.take();
  side.stream->set_reading(false);
  side.say(std::string(4 * 1024 - 1, 'x'));
  CHECK(side.peer.reading);
  side.say("x");
  CHECK_FALSE(side.peer.reading);
  CHECK(side.take().empty());
  side.stream->set_reading(true);
  CHECK(side.take().empty());  // no event from within a call
  side.loop.end_turn();
  CHECK(side.take() == Words{"body " + std::string(4 * 1024, 'x')});
  CHECK(side.peer.reading);
}

TEST_CASE("a body that ended while it was paused is whole when it goes on") {
  Side side;
  side.ask();
  side.say("HTTP/1.1 200 OK\r\n\r\n");
  side.take();
  side.stream->set_reading(false);
  side.say("abc");
  side.end();
  CHECK(side.take().empty());
  side.stream->set_reading(true);
  side.loop.end_turn();
  CHECK(side.take() == Words{"body abc", "body , end"});
}

TEST_CASE("a tunnel carries both ways, also what came behind the 101, until both have ended") {
  const bool endpoint_first = GENERATE(true, false);
  Side side;
  side.ask(Method::get, {}, "echo");
  side.say(std::string(kSwitch) + "early");
  CHECK(side.take() == Words{"head 101", "body early"});
  side.peer.taken.clear();
  side.send_body("hello", Ends::no);
  CHECK(side.peer.taken == "hello");
  if (endpoint_first) side.end();
  side.send_body("", Ends::yes);
  CHECK(side.peer.finished);
  if (!endpoint_first) {
    side.say("late");
    CHECK(side.take() == Words{"body late"});
    side.end();
  }
  CHECK(side.take().back() == "body , end");
  CHECK_FALSE(side.why);
  CHECK(side.close() == StreamEnd::not_persistent);
}

TEST_CASE("a 101 before the end of its request, or to another protocol, is a fault") {
  const bool early = GENERATE(true, false);
  Side side;
  side.ask(Method::post, early ? BodyLength::of(5) : BodyLength::none(), early ? "echo" : "chat");
  side.say(kSwitch);
  REQUIRE(side.why);
  CHECK(side.why->violation == Violation::bad_switch);
  CHECK(side.heard.empty());
}

using Delivered = net::Transport::Delivered;

// A second request, of this method, on a connection whose peer then ends it.
void meet_end(Side& side, Method method, Delivered delivered) {
  side.ask();
  side.say(kEmpty);
  REQUIRE(side.close() == StreamEnd::reusable);
  side.ask(method);
  side.peer.delivered = delivered;
  side.end();
}

TEST_CASE("a reused connection that ends instead of an answer says whether a POST was delivered") {
  struct Row {
    Delivered delivered;
    bool before;
    bool proven;
  };
  for (const Row& row :
       {Row{Delivered::possible, false, false}, Row{Delivered::refused, true, true}}) {
    Side side;
    meet_end(side, Method::post, row.delivered);
    REQUIRE(side.why.has_value());
    CHECK(side.why->violation == Violation::gone);
    CHECK(side.why->closed_before == row.before);
    CHECK(side.why->proven_unseen == row.proven);
  }
}

TEST_CASE("while it is unclear whether a POST was delivered its end is not told") {
  Side side;
  meet_end(side, Method::post, Delivered::unclear);
  CHECK_FALSE(side.why.has_value());
  side.loop.pass_ms(50);
  CHECK_FALSE(side.why.has_value());
  SECTION("until the peer's host has refused it") {
    side.peer.delivered = Delivered::refused;
    side.loop.pass_ms(16);
    REQUIRE(side.why.has_value());
    CHECK(side.why->proven_unseen);
  }
  SECTION("until the peer's host has acknowledged it") {
    side.peer.delivered = Delivered::possible;
    side.loop.pass_ms(16);
    REQUIRE(side.why.has_value());
    CHECK_FALSE(side.why->proven_unseen);
  }
  SECTION("for 300 ms, and then nothing is proven") {
    for (int i = 0; i < 40; ++i) side.loop.pass_ms(8);
    REQUIRE(side.why.has_value());
    CHECK(side.why->closed_before);
    CHECK_FALSE(side.why->proven_unseen);
  }
  SECTION("and whoever gives up is told nothing") {
    side.close();
    side.loop.pass_ms(400);
    CHECK_FALSE(side.why.has_value());
  }
}

TEST_CASE("what is sent of a body while it is unclear stays here") {
  Side side;
  side.ask();
  side.say(kEmpty);
  REQUIRE(side.close() == StreamEnd::reusable);
  side.ask(Method::post, BodyLength::of(5));
  side.peer.delivered = Delivered::unclear;
  side.end();
  const std::string before = side.peer.taken;
  side.send_body("hello", Ends::yes);
  CHECK(side.peer.taken == before);
}

TEST_CASE("a GET waits for no proof, and neither does a POST on a connection of its own") {
  Side get;
  meet_end(get, Method::get, Delivered::unclear);
  REQUIRE(get.why.has_value());
  CHECK(get.why->closed_before);
  CHECK_FALSE(get.why->proven_unseen);
  Side fresh;
  fresh.ask(Method::post);
  fresh.peer.delivered = Delivered::refused;
  fresh.end();
  REQUIRE(fresh.why.has_value());
  CHECK_FALSE(fresh.why->proven_unseen);
}

}  // namespace
}  // namespace onehop::http::h1
