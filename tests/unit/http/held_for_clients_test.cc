// SPDX-License-Identifier: MIT
// What counts as held for a client, whatever carries it: with room for a byte alone, whoever holds
// anything is given up within a turn or two.
#include "tests/support/catch.h"
#include "tests/support/h2_client.h"
#include "tests/support/hand_side.h"

namespace onehop::http {
namespace {

using test::HandPeer;
using test::HandSide;
using test::OpenStream;

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

struct Side {
  explicit Side(uint64_t buffered) {
    limits.buffered = buffered;
    others.append(std::string(256 * 1024, 'x'));
    side.emplace(open, limits);
  }
  void ask_h1() {
    side->serve_h1(peer);
    peer.say(kGet);
    side->loop.end_turn();
  }
  void ask_h2() {
    side->serve_h2(peer);
    peer.say(std::string(kPreface) + test::h2_settings({}).wire() +
             test::h2_headers(1, test::h2_request(), test::kEndHeaders | test::kEndStream).wire());
    side->loop.end_turn();
  }
  void answer(size_t size) {
    ResponseHead head;
    head.status = 200;
    head.body = BodyLength::of(size);
    open.stream->send_head(head, Ends::no);
    Buffer body;
    body.append(std::string(size, 'x'));
    open.stream->send_body(std::move(body), Ends::yes);
  }
  uint64_t given_up() {
    for (int i = 0; i < 3; ++i) side->loop.end_turn();
    return side->counters.stalled_given_up.value();
  }

  Buffer others;  // what the process holds besides
  OpenStream open;
  config::Limits limits;
  HandPeer peer;
  std::optional<HandSide> side;
};

TEST_CASE("what is encrypted and not taken is held for its client") {
  const bool over_h2 = GENERATE(false, true);
  CAPTURE(over_h2);
  Side side(1);
  over_h2 ? side.ask_h2() : side.ask_h1();
  side.peer.encrypts = true;
  side.answer(10'000);
  CHECK(side.given_up() == 1);
}

TEST_CASE("what a client sends ahead of its turn is held for it, and read in small pieces") {
  Side side(1);
  side.ask_h1();
  CHECK(side.peer.reads == net::Reads::modestly);
  side.peer.say(kGet);  // as who pipelines does
  CHECK(side.given_up() == 0);
  side.peer.say(std::string(5'000, 'x'));
  CHECK(side.given_up() == 1);
}

TEST_CASE("a client that was answered is read freely again") {
  Side side(0);
  side.ask_h1();
  side.answer(10);
  side.side->loop.end_turn();
  CHECK(side.peer.reads == net::Reads::freely);
}

TEST_CASE("what an exchange keeps is looked at when it grows, over either protocol") {
  const bool over_h2 = GENERATE(false, true);
  CAPTURE(over_h2);
  Side side(1);
  over_h2 ? side.ask_h2() : side.ask_h1();
  side.open.stream->set_kept(100'000);
  CHECK(side.given_up() == 1);
}

}  // namespace
}  // namespace onehop::http
