// SPDX-License-Identifier: MIT
// What an attack on HTTP/2 once found, so that it does not come back: tunnels that are none,
// deadlines of heads that were refused, and a limit that did not hold. h2_overload_test.cc has
// more.
#include "tests/support/catch.h"
#include "tests/support/h2_client.h"
#include "tests/support/h2_victim.h"
#include "tests/support/proxy_chain.h"
#include "tests/support/tls_peer.h"
#include "tests/support/websocket.h"

namespace onehop::test {
namespace {

constexpr char kInProgress[] = "listeners/127.0.0.1:0/tls/handshakes/in_progress";

ProxyConfig to(const ScriptedOrigin& origin, ProxyConfig config = {}) {
  config.endpoints = {origin.address()};
  return config;
}

H2Fields websocket(const std::string& protocol = "websocket") {
  return {{":method", "CONNECT"}, {":protocol", protocol}, {":scheme", "http"},
          {":path", "/chat"},     {":authority", "a"},     {"sec-websocket-version", "13"}};
}

TEST_CASE("an Upgrade that the origin answers with 200 is no WebSocket: 502") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("not a socket")));
  ProxyProcess proxy(to(origin));
  H2Peer client = H2Peer::connect(proxy.address());
  REQUIRE(client.answers());
  const int32_t id = client.request(websocket(), H2Ends::no);
  CHECK(client.response(id).status == 502);
  CHECK(client.response(client.request(h2_request())).body == "not a socket");
}

// Agrees to an upgrade, and says more at once.
void agree(OriginConnection& connection, std::string_view more = "") {
  const Request request = connection.must_read_request();
  connection.send(websocket_switch(request, "X-Kept: yes\r\n") + std::string(more));
}

TEST_CASE("the answer to a key that the client never sent is not for the client") {
  ScriptedOrigin origin([](OriginConnection& connection) {
    agree(connection);
    connection.wait_end();
  });
  ProxyProcess proxy(to(origin));
  H2Peer client = H2Peer::connect(proxy.address());
  REQUIRE(client.answers());
  const int32_t id = client.request(websocket(), H2Ends::no);
  REQUIRE(client.await([&] { return client.exchange(id).status() != 0; }));
  const FieldList& head = client.exchange(id).heads.front();
  CHECK(head.get(":status") == "200");
  CHECK(head.get("x-kept") == "yes");
  CHECK_FALSE(head.has("sec-websocket-accept"));
}

TEST_CASE("a tunnel that both sides have ended is over, whichever was the first") {
  const bool origin_first = GENERATE(true, false);
  CAPTURE(origin_first);
  ScriptedOrigin origin([&](OriginConnection& connection) {
    agree(connection, "bye");
    if (origin_first) connection.half_close();
    connection.wait_end();
  });
  ProxyProcess proxy(to(origin));
  H2Peer client = H2Peer::connect(proxy.address());
  REQUIRE(client.answers());
  const int32_t id = client.request(websocket(), H2Ends::no);
  if (origin_first) {
    CHECK(client.finish(id).body == "bye");
    REQUIRE(client.data(id, "", H2Ends::yes));
  } else {
    REQUIRE(client.await([&] { return client.exchange(id).body == "bye"; }));
    REQUIRE(client.data(id, "", H2Ends::yes));
    CHECK(client.finish(id).ended);
  }
  // The connection is still there, so nothing but the two ends can have ended it.
  CHECK(proxy.wait_number("downstream/requests/outcomes/ok", 1) == 1);
  CHECK(proxy.wait_number("downstream/requests/in_flight", 0) == 0);
  REQUIRE(client.answers());
}

TEST_CASE("a CONNECT that ends its stream ends that direction of the tunnel") {
  ScriptedOrigin origin([](OriginConnection& connection) {
    agree(connection);
    connection.wait_end();
    connection.send("last words");
  });
  ProxyProcess proxy(to(origin));
  H2Peer client = H2Peer::connect(proxy.address());
  REQUIRE(client.answers());
  const int32_t id = client.request(websocket(), H2Ends::yes);
  const Response response = client.response(id);
  CHECK(response.status == 200);
  CHECK(response.body == "last words");
}

TEST_CASE("a protocol other than websocket is not known, and the connection goes on") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(to(origin));
  H2Peer client = H2Peer::connect(proxy.address());
  REQUIRE(client.answers());
  for (const char* name : {"h2c", "connect-udp", "WebSocket2"}) {
    CAPTURE(name);
    CHECK(client.response(client.request(websocket(name), H2Ends::no)).status == 501);
  }
  CHECK(client.response(client.request(h2_request())).body == "done");
  CHECK(origin.requests() == 1);
}

TEST_CASE("a head that is refused leaves no deadline behind") {
  H2Victim victim(ok("done"), {.timeouts = "request_head = \"150ms\""});
  H2Peer client = victim.connect();
  REQUIRE(client.answers());
  // In two pieces, so that it is waited for; its end makes it one that HTTP/2 does not allow.
  const std::string block = h2_block({{":scheme", "http"}, {":path", "/"}, {":authority", "a"}});
  client.send({H2Type::headers, kEndStream, 1, block.substr(0, 5)});
  client.send({H2Type::continuation, kEndHeaders, 1, block.substr(5)});
  REQUIRE(client.await([&] { return client.exchange(1).over(); }));
  // Another connection's head times out meanwhile, so its deadline is past.
  H2Peer other = victim.connect();
  REQUIRE(other.answers());
  other.send(h2_headers(1, h2_request(), 0));
  CHECK_FALSE(other.await([] { return false; }));
  client.send(h2_headers(3, h2_request(), kEndHeaders | kEndStream));
  CHECK(client.finish(3).status() == 200);
}

// nghttp2 counts half as much again, and would drop such a head without a word.
TEST_CASE("a head near the limit goes through HTTP/2, both ways") {
  constexpr int kFields = 60;
  const std::string value(1040, 'v');
  std::string head;
  H2Fields fields;
  for (int i = 0; i < kFields; ++i) {
    head += "X-" + std::to_string(i) + ": " + value + "\r\n";
    fields.emplace_back("x-" + std::to_string(i), value);
  }
  std::atomic<int> seen = 0;
  ScriptedOrigin origin(ScriptedOrigin::answering([&](const Request& request) {
    for (int i = 0; i < kFields; ++i) seen += request.field("X-" + std::to_string(i)) == value;
    return "HTTP/1.1 200 OK\r\n" + head + "Content-Length: 2\r\n\r\nok";
  }));
  const std::string limits = "request_head = \"256KiB\"";
  ProxyProcess inner(to(origin, {.limits = limits}));
  ProxyProcess proxy(ProxyConfig{
      .endpoints = {inner.address()}, .limits = limits, .upstream = "protocol = \"h2\""});
  H2Peer client = H2Peer::connect(proxy.address());
  const std::string block = h2_block(h2_request("GET", "/", fields));
  constexpr size_t kPiece = 16'000;
  for (size_t at = 0; at < block.size(); at += kPiece) {
    const uint8_t last = at + kPiece < block.size() ? 0 : kEndHeaders;
    client.send(at == 0 ? H2Frame{H2Type::headers, kEndStream, 1, block.substr(0, kPiece)}
                        : H2Frame{H2Type::continuation, last, 1, block.substr(at, kPiece)});
  }
  const Response response = client.response(1);
  CHECK(response.status == 200);
  CHECK(response.body == "ok");
  CHECK(seen == kFields);
  int back = 0;
  for (int i = 0; i < kFields; ++i) back += response.field("x-" + std::to_string(i)) == value;
  CHECK(back == kFields);
}

TEST_CASE("the body of a stream that was refused for want of places harms no other stream") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(to(origin, {.more = "[server.http2]\nstreams = 1\n"}));
  Peer peer = Peer::connect(proxy.address());
  H2Peer client(peer, H2Peer::Role::client);
  // In one piece, as from a client that has not read the settings: the second has no place, and
  // when the third has one, the body of the second is still to come.
  client.try_send(h2_headers(1, h2_request("POST"), kEndHeaders).wire() +
                  h2_headers(3, h2_request("POST"), kEndHeaders).wire() + h2_reset(1).wire() +
                  h2_headers(5, h2_request("POST"), kEndHeaders).wire() +
                  H2Frame{H2Type::data, kEndStream, 3, "late"}.wire() +
                  H2Frame{H2Type::data, kEndStream, 5, "body"}.wire());
  CHECK(client.finish(5).status() == 200);
  CHECK(client.finish(3).reset == kRefusedStream);
  CHECK_FALSE(client.goaway());
}

TEST_CASE("a connection that has not finished its handshake has a place among the limited") {
  Certificates made;
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(to(origin, {.limits = "connections = 2", .more = listener_tls(made)}));
  const TlsWish wish{.ca = made.authority()};
  std::vector<Peer> silent;
  for (int i = 0; i < 2; ++i) silent.push_back(Peer::connect(proxy.address()));
  REQUIRE(proxy.wait_number(kInProgress, 2) == 2);
  Peer waiting = Peer::connect(proxy.address());
  CHECK(proxy.stats().number(kInProgress) == 2);
  waiting.close();
  silent.clear();
  // Their places are free again.
  for (int i = 0; i < 3; ++i) {
    TlsTunnel tunnel(proxy.address(), wish);
    Peer client = tunnel.take_peer();
    client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    CHECK(client.read_response().body == "done");
  }
}

}  // namespace
}  // namespace onehop::test
