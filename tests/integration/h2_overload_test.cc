// SPDX-License-Identifier: MIT
// Connections with more to carry than fits: whoever waits goes on when there is room again, the
// most urgent first; whoever does not read holds back nobody else; whoever takes nothing at all, or
// does not finish what it began, is cut off.
#include <sys/socket.h>

#include "tests/support/catch.h"
#include "tests/support/gate.h"
#include "tests/support/h2_client.h"
#include "tests/support/h2_victim.h"
#include "tests/support/proxy_chain.h"
#include "tests/support/proxy_process.h"
#include "tests/support/scripted_origin.h"

namespace onehop::test {
namespace {

constexpr int kSmallBuffer = 16 * 1024;

// A client whose windows are no limit, so that TCP is the only one.
H2Peer with_wide_windows(const std::string& address) {
  H2Peer client(Peer::connect(address, kSmallBuffer), {{kInitialWindowSize, kLargestWindow}});
  client.keep_windows();
  client.send(h2_window_update(0, kLargestWindow - kFirstWindow));
  return client;
}

void shrink_receive_buffer(const Peer& peer) {
  ::setsockopt(peer.fd(), SOL_SOCKET, SO_RCVBUF, &kSmallBuffer, sizeof kSmallBuffer);
}

// The frames of an upload go out on each of `ids` in turn until nothing is taken on any of them.
void upload_until_stuck(H2Peer& client, const std::vector<int32_t>& ids) {
  constexpr int64_t kMostPayload = 16384;
  const std::string bytes = noise(kMostPayload);
  bool moved = true;
  while (moved || !client.peer().quiet_for(milliseconds(100))) {
    moved = false;
    for (const int32_t id : ids) {
      const auto size = static_cast<size_t>(std::min(kMostPayload, client.room(id)));
      if (size == 0) continue;
      REQUIRE(client.data(id, std::string_view(bytes).substr(0, size)));
      moved = true;
    }
    REQUIRE(client.answers());  // and with it the windows that were given back
  }
}

// Long responses, which fill the connection while nobody reads, and one that is sent as its request
// comes. What that one has to wait for is the output of the others.
TEST_CASE("a stream that found no room because of others goes on when there is room again") {
  constexpr size_t kLarge = size_t{8} << 20;
  constexpr int kLargeOnes = 6;
  const std::string large = noise(kLarge);
  std::atomic<int> stuck = 0;
  Gate second_has_come;
  ScriptedOrigin origin([&](OriginConnection& connection) {
    const std::optional<Request> request = connection.read_request_head();
    if (request->target == "/large") {
      const std::string response = ok(large);
      const size_t sent = connection.send_until_stuck(response);
      ++stuck;
      return connection.send(std::string_view(response).substr(sent));
    }
    connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (std::string piece = "?"; !piece.empty();) {
      piece = connection.read_chunk();
      if (piece == "two") second_has_come.open();
      connection.send(piece.empty() ? "0\r\n\r\n" : "3\r\n" + piece + "\r\n");
    }
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  H2Peer client = with_wide_windows(proxy.address());
  const int32_t echo = client.request(h2_request("POST", "/echo"), H2Ends::no);
  REQUIRE(client.data(echo, "one"));
  REQUIRE(client.await([&] { return client.exchange(echo).body == "one"; }));
  std::vector<int32_t> ids;
  for (int i = 0; i < kLargeOnes; ++i) ids.push_back(client.request(h2_request("GET", "/large")));
  REQUIRE(eventually([&] { return stuck == kLargeOnes; }));
  REQUIRE(client.data(echo, "two"));
  second_has_come.wait();
  CHECK(client.await([&] { return client.exchange(echo).body == "onetwo"; }));
  for (const int32_t id : ids) {
    const H2Exchange& exchange = client.finish(id);
    CHECK(exchange.ended);
    CHECK((exchange.body == large));
  }
  CHECK(client.data(echo, "", H2Ends::yes));
  CHECK(client.response(echo).body == "onetwo");
}

TEST_CASE("uploads that an origin does not read hold back no other upload of their connection") {
  const Speaks upstream = GENERATE(Speaks::h1, Speaks::h2);
  CAPTURE(static_cast<int>(upstream));
  constexpr int kStuck = 24;  // their windows are more than the connection's
  Gate done;
  ProxyChain chain({Speaks::h2, Tls::off}, {upstream, Tls::off}, [&](OriginConnection& connection) {
    shrink_receive_buffer(connection);
    while (const std::optional<Request> head = connection.read_request_head()) {
      if (head->target == "/stuck") return done.wait();
      size_t size = 0;
      for (std::string piece = "?"; !piece.empty(); size += piece.size()) {
        piece = connection.read_chunk();
      }
      connection.read_through("\r\n");
      connection.send(ok(std::to_string(size)));
    }
  });
  H2Peer client = H2Peer::connect(chain.proxy().address());
  std::vector<int32_t> ids;
  for (int i = 0; i < kStuck; ++i) {
    ids.push_back(client.request(h2_request("POST", "/stuck"), H2Ends::no));
  }
  upload_until_stuck(client, ids);
  const int32_t other = client.request(h2_request("POST", "/other"), H2Ends::no);
  CHECK(client.data(other, noise(300'000), H2Ends::yes));
  CHECK(client.response(other).body == "300000");
  for (const int32_t id : ids) CHECK_FALSE(client.exchange(id).over());
  for (const int32_t id : ids) client.send(h2_reset(id));
  CHECK(chain.proxy().wait_number("downstream/requests/in_flight", 0) == 0);
  done.open();
}

TEST_CASE("downloads that a client does not read hold back no other one of the HTTP/2 upstream") {
  constexpr int kStuck = 20;
  const std::string large = noise(size_t{1} << 20);
  const std::string small = noise(200'000);
  Gate done;
  ProxyChain chain({Speaks::h2, Tls::off}, {Speaks::h2, Tls::off}, [&](OriginConnection& origin) {
    while (const std::optional<Request> request = origin.read_request()) {
      if (request->target == "/small") {
        origin.send(ok(small));
        continue;
      }
      origin.send_until_stuck(ok(large));
      return done.wait();
    }
  });
  H2Peer stuck(Peer::connect(chain.proxy().address()), {{kInitialWindowSize, 0}});
  std::vector<int32_t> ids;
  for (int i = 0; i < kStuck; ++i) ids.push_back(stuck.request(h2_request("GET", "/large")));
  for (const int32_t id : ids) {
    REQUIRE(stuck.await([&] { return stuck.exchange(id).status() == 200; }));
  }
  // More has come than the window of the upstream connection, and nothing of it went on.
  CHECK(eventually(
      [&] { return chain.endpoint_number("bytes/received_total") > int64_t{1'100'000}; }));
  H2Peer client = H2Peer::connect(chain.proxy().address());
  CHECK((client.response(client.request(h2_request("GET", "/small"))).body == small));
  // And on the connection of those that are stuck.
  const int32_t other = stuck.request(h2_request("GET", "/small"));
  stuck.send(h2_window_update(other, 1 << 20));
  CHECK((stuck.response(other).body == small));
  for (const int32_t id : ids) {
    CHECK(stuck.exchange(id).body.empty());
    CHECK_FALSE(stuck.exchange(id).over());
  }
  CHECK(chain.endpoint_number("connections/opened_total") == 1);
  for (const int32_t id : ids) stuck.send(h2_reset(id));
  CHECK(chain.proxy().wait_number("downstream/requests/in_flight", 0) == 0);
  done.open();
}

TEST_CASE("a connection whose client takes nothing from its socket ends after write_stall") {
  constexpr int kRequests = 10;
  const std::string large = noise(size_t{8} << 20);
  H2Victim victim(ok(large), {.timeouts = "write_stall = \"400ms\""});
  H2Peer client = with_wide_windows(victim.proxy.address());
  std::string requests;
  for (int32_t id = 1; id < 2 * kRequests; id += 2) {
    requests += h2_headers(id, h2_request(), kEndHeaders | kEndStream).wire();
  }
  client.peer().send(requests);
  const int64_t before = 2;  // the honest client's
  CHECK(victim.proxy.wait_number("downstream/requests/total", before + kRequests) ==
        before + kRequests);
  CHECK(victim.proxy.wait_number("downstream/requests/in_flight", 0) == 0);
  CHECK(victim.proxy.wait_number("downstream/connections/open", 0) == 0);
  CHECK(victim.serves());
  // What was on its way comes, then the end, and not one response is whole.
  CHECK_FALSE(client.await([] { return false; }));
  for (int32_t id = 1; id < 2 * kRequests; id += 2) {
    CHECK(client.exchange(id).body.size() < large.size());
  }
}

enum class By { field, frame };  // how a client says what is urgent

// Both responses are whole in the proxy before a byte of them may leave; then everything may.
void check_the_urgent_one_is_first(By by, size_t urgent_one) {
  const std::string body = noise(50'000);
  ScriptedOrigin origin(ScriptedOrigin::always(ok(body)));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  H2Peer client = H2Peer::connect(proxy.address(), {{kInitialWindowSize, 0}});
  client.keep_windows();
  client.send(h2_window_update(0, 1 << 20));
  std::vector<int32_t> ids;
  for (size_t i = 0; i < 2; ++i) {
    const char* const urgency = i == urgent_one ? "u=0" : "u=7";
    const H2Fields said = by == By::field ? H2Fields{{"priority", urgency}} : H2Fields{};
    ids.push_back(client.request(h2_request("GET", "/", said)));
  }
  const int32_t urgent = ids[urgent_one];
  const int32_t other = ids[1 - urgent_one];
  if (by == By::frame) {
    constexpr auto kPriorityUpdate = static_cast<H2Type>(0x10);
    client.send({kPriorityUpdate, 0, 0, h2_number(static_cast<uint32_t>(urgent)) + "u=0"});
  }
  const std::string received = ProxyProcess::endpoint(origin.address(), "bytes/received_total");
  const auto all = static_cast<int64_t>(2 * ok(body).size());
  REQUIRE(proxy.wait_number(received, all) == all);
  for (const int32_t id : ids) {
    REQUIRE(client.await([&] { return client.exchange(id).status() == 200; }));
  }
  client.send(h2_settings({{kInitialWindowSize, 1 << 20}}));
  CHECK((client.finish(urgent).body == body));
  CHECK(client.exchange(other).body.empty());
  CHECK((client.finish(other).body == body));
}

TEST_CASE("RFC 9218: of two responses that are ready the one whose priority says so goes first") {
  const size_t urgent_one = GENERATE(size_t{0}, size_t{1});
  CAPTURE(urgent_one);
  check_the_urgent_one_is_first(By::field, urgent_one);
}

TEST_CASE("RFC 9218: a PRIORITY_UPDATE makes a response go before one that was asked for first") {
  const size_t urgent_one = GENERATE(size_t{0}, size_t{1});
  CAPTURE(urgent_one);
  check_the_urgent_one_is_first(By::frame, urgent_one);
}

// The origin allows two streams. Both are held until three more requests wait.
TEST_CASE(
    "requests that wait for a stream of a full HTTP/2 connection each get the next free one") {
  Gate go_on;
  ScriptedOrigin origin([&](OriginConnection& connection) {
    H2Peer peer(connection, H2Peer::Role::server, {{kMaxConcurrentStreams, 2}});
    const auto answer = [&](int32_t id) {
      peer.send(h2_headers(id, {{":status", "200"}}, kEndHeaders | kEndStream));
    };
    answer(peer.accept());
    const int32_t first = peer.accept();
    const int32_t second = peer.accept();
    go_on.wait();
    answer(first);
    for (int i = 0; i < 3; ++i) answer(peer.accept());
    answer(second);
    peer.accept();
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()},
                                 .upstream = "protocol = \"h2\"",
                                 .pool = "max_connections = 1\nqueue_timeout = \"30s\""});
  H2Peer client = H2Peer::connect(proxy.address());
  REQUIRE(client.response(client.request(h2_request())).status == 200);
  std::vector<int32_t> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(client.request(h2_request()));
  const std::string queued = ProxyProcess::endpoint(origin.address(), "requests/queued");
  CHECK(proxy.wait_number(queued, 3) == 3);
  go_on.open();
  for (const int32_t id : ids) CHECK(client.response(id).status == 200);
  CHECK(origin.accepts() == 1);
}

// Nothing is answered before all of them are there, so no connection can have served two in turn.
TEST_CASE("requests that waited for the first dial share its connection where it turns out as h2") {
  constexpr int kRequests = 5;
  std::atomic<int> arrived = 0;
  Gate all_are_there;
  Certificates made;
  ScriptedOrigin origin([&](OriginConnection& connection) {
    while (connection.read_request()) {
      if (++arrived == kRequests) all_are_there.open();
      all_are_there.wait();
      connection.send(ok("done"));
    }
  });
  ProxyProcess inner(ProxyConfig{.endpoints = {origin.address()}, .more = listener_tls(made)});
  ProxyProcess proxy(
      ProxyConfig{.endpoints = {inner.address()},
                  .upstream = "protocol = \"auto\"",
                  .pool = "max_connections = 1\nqueue_timeout = \"30s\"",
                  .more = "[upstream.app.tls]\nca = \"" + made.authority() + "\"\n"});
  H2Peer client = H2Peer::connect(proxy.address());
  std::vector<int32_t> ids;
  for (int i = 0; i < kRequests; ++i) ids.push_back(client.request(h2_request()));
  for (const int32_t id : ids) CHECK(client.response(id).body == "done");
  const std::string opened = ProxyProcess::endpoint(inner.address(), "connections/opened_total");
  CHECK(proxy.stats().number(opened) == 1);
}

TEST_CASE("a head that begins in the bytes that end another one has a deadline of its own") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(
      ProxyConfig{.endpoints = {origin.address()}, .timeouts = "request_head = \"300ms\""});
  H2Peer client = H2Peer::connect(proxy.address());
  REQUIRE(client.answers());
  client.keep_windows();  // no frame may come between the parts of a head
  const std::string block = h2_block(h2_request());
  client.send({H2Type::headers, kEndStream, 1, block.substr(0, 5)});
  client.peer().wait_until_read();
  client.peer().send(H2Frame{H2Type::continuation, kEndHeaders, 1, block.substr(5)}.wire() +
                     h2_headers(3, h2_request(), kEndStream).wire());
  CHECK(client.response(1).body == "done");
  CHECK_FALSE(client.await([] { return false; }));
  CHECK(origin.requests() == 1);
}

TEST_CASE("a head that HTTP/2 does not allow leaves no deadline that ends its connection later") {
  const bool in_pieces = GENERATE(false, true);
  CAPTURE(in_pieces);
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(
      ProxyConfig{.endpoints = {origin.address()}, .timeouts = "request_head = \"300ms\""});
  H2Peer client = H2Peer::connect(proxy.address());
  client.keep_windows();
  REQUIRE(client.answers());
  const int32_t good = client.request(h2_request());
  REQUIRE(client.response(good).body == "done");
  const std::string block = h2_block(h2_request("GET", "/", {{"Upper", "1"}}));
  const size_t cut = in_pieces ? 5 : block.size();
  const uint8_t end_headers = in_pieces ? uint8_t{0} : kEndHeaders;
  const int32_t bad = good + 2;
  client.send(
      {H2Type::headers, static_cast<uint8_t>(kEndStream | end_headers), bad, block.substr(0, cut)});
  if (in_pieces) {
    client.peer().wait_until_read();
    client.send({H2Type::continuation, kEndHeaders, bad, block.substr(cut)});
  }
  REQUIRE(client.finish(bad).reset == kProtocolError);
  // A head that another client begins only now is given up: whatever deadline the first had is
  // past.
  H2Peer other = H2Peer::connect(proxy.address());
  REQUIRE(other.answers());
  other.send(h2_headers(1, h2_request(), 0));
  CHECK_FALSE(other.await([] { return false; }));
  client.send(h2_headers(bad + 2, h2_request(), kEndHeaders | kEndStream));
  CHECK(client.response(bad + 2).body == "done");
  CHECK_FALSE(client.goaway().has_value());
}

}  // namespace
}  // namespace onehop::test
