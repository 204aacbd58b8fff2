// SPDX-License-Identifier: MIT
// When a client's connection holds back who sends to it, and how much of it is read meanwhile.
#include "tests/support/catch.h"
#include "tests/support/hand_side.h"

namespace onehop::http::h1 {
namespace {

using test::HandPeer;
using test::HandSide;
using test::OpenStream;

struct Side {
  explicit Side(std::string_view request) {
    side.serve_h1(peer);
    peer.say(request);
    REQUIRE(open.stream != nullptr);
  }
  void begin_response() {
    ResponseHead head;
    head.status = 200;
    head.body = BodyLength::of(10 << 20);
    open.stream->send_head(head, Ends::no);
  }
  void send(size_t size) {
    Buffer body;
    body.append(std::string(size, 'x'));
    open.stream->send_body(std::move(body), Ends::no);
  }

  OpenStream open;
  HandPeer peer;
  HandSide side{open};
};

TEST_CASE("what leaves at the end of the turn holds nobody back") {
  Side side("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  side.begin_response();
  side.send(100 * 1024);
  CHECK(side.open.stream->has_room());
  side.side.loop.end_turn();
  CHECK(side.open.stream->has_room());
  side.send(200 * 1024);  // but not without an end
  CHECK_FALSE(side.open.stream->has_room());
}

TEST_CASE("what the client did not take holds back who sends, past buffered_per_stream") {
  Side side("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  side.begin_response();
  side.side.loop.end_turn();
  side.peer.takes = 0;
  const auto limit = static_cast<size_t>(side.side.settings.limits.buffered_per_stream);
  side.send(limit - 1);
  side.side.loop.end_turn();
  CHECK(side.open.stream->has_room());
  side.send(1);
  side.side.loop.end_turn();
  CHECK_FALSE(side.open.stream->has_room());
  side.peer.takes = SIZE_MAX;
  side.peer.near->flush();
  CHECK(side.open.stream->has_room());
}

TEST_CASE("a body that is wanted again is read freely from that moment on") {
  Side side("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
  side.open.stream->set_reading(true);
  side.peer.say("abc");
  CHECK(side.peer.reads == net::Reads::freely);
  side.open.stream->set_reading(false);
  CHECK(side.peer.reads == net::Reads::sparingly);
  side.open.stream->set_reading(true);
  CHECK(side.peer.reads == net::Reads::freely);
}

}  // namespace
}  // namespace onehop::http::h1
