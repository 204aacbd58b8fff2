// SPDX-License-Identifier: MIT
// Health checks of one endpoint, one after the other: what it is asked, and what becomes of its
// answer.
#include "tests/unit/upstream/probe_side.h"

namespace onehop::upstream::test {
namespace {

using config::HealthCheck;

constexpr char kFine[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

TEST_CASE("a check is a request on a connection of its own, which is closed behind it") {
  ProbeSide side;
  side.upstream.health.path = "/ready?full=1";
  HandPeer& peer = side.ask();
  CHECK(peer.taken ==
        "GET /ready?full=1 HTTP/1.1\r\nHost: 10.0.0.1:8000\r\n"
        "User-Agent: onehop-health-check\r\n\r\n");
  CHECK(side.results.empty());
  side.answer(peer, kFine);
  CHECK(side.latest() == "passed: it answered 200");
  CHECK(peer.closed);
}

TEST_CASE("a check has the method and the host that are asked for") {
  ProbeSide side;
  side.upstream.health.method = "HEAD";
  side.upstream.health.host = "app.example.org";
  HandPeer& peer = side.ask();
  CHECK(peer.taken.starts_with("HEAD / HTTP/1.1\r\nHost: app.example.org\r\n"));
  side.answer(peer, "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n");
  CHECK(side.latest() == "passed: it answered 200");
}

TEST_CASE("the host of a check has no port that goes without saying, and brackets where needed") {
  ProbeSide plain;
  plain.use({"10.0.0.1:80"});
  plain.pass_ms(8);
  HandPeer& peer = plain.dialer.accept();
  plain.loop.end_turn();
  CHECK(peer.taken.find("Host: 10.0.0.1\r\n") != std::string::npos);
  ProbeSide six;
  six.use({"[2001:db8::1]:8000"});
  six.pass_ms(8);
  HandPeer& other = six.dialer.accept();
  six.loop.end_turn();
  CHECK(other.taken.find("Host: [2001:db8::1]:8000\r\n") != std::string::npos);
}

TEST_CASE("an answer is waited for to its end, and its interim responses are passed over") {
  ProbeSide side;
  side.upstream.health.body = "ready";
  HandPeer& peer = side.ask();
  side.answer(peer, "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n");
  side.answer(peer, "Transfer-Encoding: chunked\r\n\r\n3\r\nrea\r\n");
  side.answer(peer, "2\r\ndy\r\n");
  CHECK(side.results.empty());
  side.answer(peer, "0\r\nX-Checked: yes\r\n\r\n");
  CHECK(side.latest() == "passed: it answered 200");
}

TEST_CASE("an answer that has no end is judged by its first 64 KiB") {
  ProbeSide side;
  HandPeer& peer = side.ask();
  side.answer(peer, "HTTP/1.1 200 OK\r\n\r\n");
  for (int i = 0; i < 15; ++i) side.answer(peer, std::string(4096, 'x'));
  CHECK(side.results.empty());
  side.answer(peer, std::string(4096, 'x'));
  CHECK(side.latest() == "passed: it answered 200");
  CHECK(peer.closed);
}

TEST_CASE("whatever is no whole answer of HTTP is a failure that says why") {
  struct Row {
    std::string_view said;
    std::string_view why;
  };
  const Row rows[] = {
      {"", "failed: it closed the connection without an answer"},
      {"SSH-2.0-OpenSSH_9.2\r\n\r\n",
       "failed: its answer breaks the rules of HTTP: The start line is "
       "malformed"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok",
       "failed: its answer ended before it was whole"},
      {"HTTP/1.1 503 No\r\nContent-Length: 9\r\n\r\nok", "failed: it answered 503"},
      {"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", "failed: it answered 404"},
  };
  for (const Row& row : rows) {
    ProbeSide side;
    HandPeer& peer = side.ask();
    side.answer(peer, row.said);
    peer.end();
    side.loop.end_turn();
    CHECK(side.latest() == row.why);
    CHECK(side.results.size() == 1);
    CHECK(peer.closed);
  }
}

TEST_CASE("the timeout is for all of a check, from the dial to the last byte") {
  ProbeSide side;
  side.upstream.health.timeout = config::milliseconds(400);
  side.use({"10.0.0.1:8000"});
  side.pass_ms(8);
  CHECK(side.dialer.pending() == 1);
  side.pass_ms(392);
  CHECK(side.results.empty());
  side.pass_ms(16);
  CHECK(side.latest() == "failed: no connection within 400ms");
  CHECK(side.dialer.pending() == 0);

  ProbeSide slow;
  slow.upstream.health.timeout = config::milliseconds(400);
  HandPeer& peer = slow.ask();
  slow.pass_ms(200);
  slow.answer(peer, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
  slow.pass_ms(208);
  CHECK(slow.latest() == "failed: no whole answer within 400ms");
  CHECK(peer.closed);
}

TEST_CASE("a connection that is refused, or cannot be made, is a failure") {
  ProbeSide side;
  side.use({"10.0.0.1:8000"});
  side.pass_ms(8);
  side.dialer.refuse(ECONNREFUSED);
  CHECK(side.latest() == "failed: it refused the connection");
  ProbeSide other;
  other.use({"10.0.0.1:8000"});
  other.pass_ms(8);
  other.dialer.refuse(EHOSTUNREACH);
  CHECK(other.latest() == "failed: no connection to it: No route to host");
}

TEST_CASE("want of onehop's own is no verdict, and the check is made later") {
  ProbeSide side;
  side.dialer.cannot_begin = 1;
  side.use({"10.0.0.1:8000"});
  side.pass_ms(8);
  CHECK(side.dialer.asked == 1);
  CHECK(side.results.empty());
  side.pass_ms(5512);
  CHECK(side.dialer.asked == 2);
  side.dialer.refuse(EMFILE);
  CHECK(side.results.empty());
  side.pass_ms(5512);
  CHECK(side.dialer.pending() == 1);
}

TEST_CASE("a check of tcp passes when the connection is there, and sends nothing") {
  ProbeSide side;
  side.upstream.health.check = HealthCheck::tcp;
  HandPeer& peer = side.ask();
  CHECK(side.latest() == "passed: it took a connection");
  CHECK(peer.taken.empty());
  CHECK(peer.closed);
}

TEST_CASE("a check announces itself where endpoints are told of clients") {
  ProbeSide side;
  side.upstream.proxy_protocol = config::ProxyProtocol::v1;
  HandPeer& peer = side.ask();
  CHECK(peer.taken.starts_with("PROXY UNKNOWN\r\nGET / HTTP/1.1\r\n"));
  ProbeSide tcp;
  tcp.upstream.proxy_protocol = config::ProxyProtocol::v1;
  tcp.upstream.health.check = HealthCheck::tcp;
  CHECK(tcp.ask().taken == "PROXY UNKNOWN\r\n");
}

TEST_CASE("a check that is given up leaves no connection behind") {
  ProbeSide side;
  HandPeer& peer = side.ask();
  side.made.reset();
  side.loop.end_turn();
  CHECK(peer.closed);
  ProbeSide dialing;
  dialing.use({"10.0.0.1:8000"});
  dialing.pass_ms(8);
  dialing.made.reset();
  CHECK(dialing.dialer.pending() == 0);
}

}  // namespace
}  // namespace onehop::upstream::test
