// SPDX-License-Identifier: MIT
// The admin endpoint over connections that the test holds in its hands: commands that end later, or
// never, with clients that stay or go.
#include "onehop/admin/service.h"

#include <optional>
#include <string>
#include <utility>

#include "onehop/http/h1.h"
#include "tests/support/catch.h"
#include "tests/support/hand_loop.h"
#include "tests/unit/admin/running.h"

namespace onehop::admin {
namespace {

using test::HandLoop;
using test::HandPeer;
using test::HandTransport;
using test::Running;

// Clients over the unix socket, so that their commands are taken. `POST /act/{part}` keeps its Done
// here; it takes a body of eight bytes.
struct AdminSide final : http::ServerConnections::Events {
  AdminSide() {
    client.address = Address::of_process({.uid = 7, .pid = 8});
    service.commands().add(
        {.method = "POST", .path = "/act/{part}", .what = "acts", .query = {"key"}, .most_body = 8},
        [this](const Command& command, Done ended) {
          ++acts;
          part = command.part("part");
          body = command.body();
          caller = command.caller();
          done = std::move(ended);
        });
  }
  ~AdminSide() {
    connections.close_all();
    loop.end_turn();
  }
  void on_all_closed() override {}

  void connect(HandPeer& peer) {
    http::h1::serve(loop, HandTransport::make(loop, peer), client, service, settings, connections);
  }
  void say(HandPeer& peer, std::string_view bytes) {
    peer.say(bytes);
    loop.end_turn();
  }

  HandLoop loop;
  Running running;
  AdminService service{
      loop, [this] { return running.view(); }, [](const auto& settled) { settled(); }, {}};
  config::Limits limits = AdminService::limits();
  config::DownstreamTimeouts timeouts = AdminService::timeouts();
  config::Http2 http2;
  telemetry::DownstreamShard counters;
  http::ServerSettings settings{limits, timeouts, http2, counters};
  http::ServerConnections connections{loop, settings, *this};
  http::Client client;

  int acts = 0;
  std::string part;
  std::string body;
  std::string caller;
  Done done;
};

constexpr std::string_view kAct = "POST /act/now HTTP/1.1\r\nHost: a\r\n\r\n";

bool has(const HandPeer& peer, std::string_view part) {
  return peer.taken.find(part) != std::string::npos;
}

TEST_CASE("a command is answered when it is done, and its connection goes on") {
  HandPeer peer;
  AdminSide side;
  side.connect(peer);
  side.say(peer, kAct);
  CHECK(side.acts == 1);
  CHECK(side.part == "now");
  CHECK(side.caller == "unix:uid=7,pid=8");
  side.loop.pass_ms(10 * AdminService::kReadingMs);
  side.loop.end_turn();
  CHECK(peer.taken.empty());
  side.done(json_reply(202, "{}\n"));
  side.loop.end_turn();
  CHECK(has(peer, "HTTP/1.1 202 "));
  CHECK(has(peer, "application/json"));
  CHECK(peer.taken.ends_with("\r\n\r\n{}\n"));
  side.say(peer, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(peer.taken.ends_with("ok\n"));
}

TEST_CASE("a client that goes cancels nothing of its command, whose answer is then dropped") {
  HandPeer peer;
  AdminSide side;
  side.connect(peer);
  side.say(peer, kAct);
  REQUIRE(side.acts == 1);
  peer.end();
  side.loop.end_turn();
  side.connections.close_all();
  side.loop.end_turn();
  side.done(text_reply(200, "late\n"));
  side.loop.end_turn();
  CHECK_FALSE(has(peer, "late"));
}

TEST_CASE("a command has one answer, however often it says that it is done") {
  HandPeer peer;
  AdminSide side;
  side.connect(peer);
  side.say(peer, kAct);
  side.done(text_reply(200, "first\n"));
  side.done(text_reply(200, "second\n"));
  side.loop.end_turn();
  CHECK(has(peer, "first\n"));
  CHECK_FALSE(has(peer, "second"));
}

TEST_CASE("a command that nobody can answer any more is a 500") {
  HandPeer peer;
  AdminSide side;
  side.connect(peer);
  side.say(peer, kAct);
  side.done = nullptr;
  side.loop.end_turn();
  CHECK(has(peer, "HTTP/1.1 500 "));
}

TEST_CASE("a command acts when all of its body is there") {
  HandPeer peer;
  HandPeer chunked;
  AdminSide side;
  side.connect(peer);
  side.say(peer, "POST /act/now HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\nhalf");
  CHECK(side.acts == 0);
  side.say(peer, "more");
  CHECK(side.acts == 1);
  CHECK(side.body == "halfmore");
  side.done(text_reply(200, "done\n"));
  side.loop.end_turn();
  CHECK(has(peer, "HTTP/1.1 200 "));

  side.connect(chunked);
  side.say(chunked,
           "POST /act/now HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  CHECK(side.acts == 1);
  side.say(chunked, "2\r\nde\r\n0\r\n\r\n");
  CHECK(side.acts == 2);
  CHECK(side.body == "abcde");
}

TEST_CASE("a client that asks whether to go on is told so") {
  HandPeer peer;
  AdminSide side;
  side.connect(peer);
  side.say(peer,
           "POST /act/now HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: "
           "100-continue\r\n\r\n");
  CHECK(peer.taken.starts_with("HTTP/1.1 100 "));
  side.say(peer, "ab");
  CHECK(side.body == "ab");
  side.done(text_reply(200, "done\n"));
  side.loop.end_turn();
  CHECK(has(peer, "HTTP/1.1 200 "));
}

TEST_CASE("a body that is too large is refused, and nothing is done") {
  for (const std::string_view request :
       {"POST /act/now HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n",
        "POST /act/now HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
        "chunked\r\n\r\n9\r\n123456789\r\n",
        "POST /log?level=debug HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n"}) {
    CAPTURE(request);
    HandPeer peer;
    AdminSide side;
    side.connect(peer);
    side.say(peer, request);
    CHECK(has(peer, "HTTP/1.1 413 "));
    CHECK(side.acts == 0);
  }
}

TEST_CASE("a body that does not come in time is refused, and nothing is done") {
  HandPeer peer;
  AdminSide side;
  side.connect(peer);
  side.say(peer, "POST /act/now HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\nhalf");
  side.loop.pass_ms(AdminService::kBodyMs + 100);
  side.loop.end_turn();
  CHECK(has(peer, "HTTP/1.1 408 "));
  CHECK(side.acts == 0);
}

TEST_CASE("a client that goes before its command is complete has nothing done") {
  HandPeer peer;
  AdminSide side;
  side.connect(peer);
  side.say(peer, "POST /act/now HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\nhalf");
  peer.end();
  side.loop.end_turn();
  CHECK(side.acts == 0);
}

TEST_CASE("what a command does not take is a 400 that says what it takes") {
  HandPeer peer;
  AdminSide side;
  side.connect(peer);
  side.say(peer, "POST /act/now?kye=1 HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(has(peer, "HTTP/1.1 400 "));
  CHECK(has(peer, "allowed: key"));
  CHECK(side.acts == 0);
}

}  // namespace
}  // namespace onehop::admin
