// SPDX-License-Identifier: MIT
// Origins that speak HTTP/2 and break its rules: what a client of the proxy sees of it (edge cases
// 104 to 107), and when a request may go out again.
#include "tests/support/h2_origin.h"
#include "tests/support/catch.h"
#include "tests/support/expect.h"
#include "tests/support/gate.h"
#include "tests/support/proxy_process.h"

namespace onehop::test {
namespace {

ProxyConfig to(const ScriptedOrigin& origin) {
  return {.endpoints = {origin.address()}, .upstream = "protocol = \"h2\""};
}

void answer(H2Peer& origin, int32_t id, const std::string& body, const H2Fields& more = {}) {
  H2Fields fields = {{":status", "200"}};
  fields.insert(fields.end(), more.begin(), more.end());
  origin.send(h2_headers(id, fields, kEndHeaders));
  origin.send({H2Type::data, kEndStream, id, body});
}

constexpr char kGet[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr char kPost[] = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";

TEST_CASE("105: what an HTTP/2 origin sees of an HTTP/1.1 request") {
  FieldList seen;
  ScriptedOrigin origin(h2_script([&](H2Peer& peer, int32_t id) {
    seen = peer.exchange(id).heads.front();
    answer(peer, id, "done", {{"x-kept", "Yes"}});
  }));
  ProxyProcess proxy(to(origin));
  const Response response = proxy.exchange(
      "GET /x?y HTTP/1.1\r\nHost: Example.org:81\r\nX-Upper: Value\r\nConnection: keep-alive, "
      "x-hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nCookie: a=1; b=2\r\nTE: trailers, "
      "gzip\r\n\r\n");
  CHECK(response.body == "done");
  CHECK(response.field("X-Kept") == "Yes");
  CHECK(seen.get(":method") == "GET");
  CHECK(seen.get(":scheme") == "http");
  CHECK(seen.get(":authority") == "Example.org:81");
  CHECK(seen.get(":path") == "/x?y");
  CHECK(seen.get("x-upper") == "Value");
  CHECK(seen.get("cookie") == "a=1; b=2");
  for (const char* name : {"host", "connection", "keep-alive", "x-hop", "transfer-encoding"}) {
    CAPTURE(name);
    CHECK_FALSE(seen.has(name));
  }
  CHECK((!seen.has("te") || seen.get("te") == "trailers"));
}

TEST_CASE("104: a response that cannot be one of HTTP/1.1 makes a 502, and others are served") {
  using namespace std::string_literals;
  struct Row {
    std::string name;
    H2Fields fields;
  };
  const std::vector<Row> rows = {
      {"no status", {{"x", "1"}}},
      {"two statuses", {{":status", "200"}, {":status", "200"}}},
      {"a status of two digits", {{":status", "20"}}},
      {"a status that is no number", {{":status", "abc"}}},
      {"a switch of protocols", {{":status", "101"}}},
      {"a status after a field", {{"x", "1"}, {":status", "200"}}},
      {"a request's pseudo-field", {{":status", "200"}, {":path", "/"}}},
      {"connection", {{":status", "200"}, {"connection", "close"}}},
      {"transfer-encoding", {{":status", "200"}, {"transfer-encoding", "chunked"}}},
      {"upgrade", {{":status", "200"}, {"upgrade", "h2c"}}},
      {"a name in upper case", {{":status", "200"}, {"X-Upper", "1"}}},
      {"a name with a space", {{":status", "200"}, {"a b", "1"}}},
      {"a value with CR LF", {{":status", "200"}, {"a", "1\r\nSet-Cookie: x=y"}}},
      {"a value with LF", {{":status", "200"}, {"a", "1\nSet-Cookie: x=y"}}},
      {"a value with NUL", {{":status", "200"}, {"a", "1\0"s}}},
      {"two lengths", {{":status", "200"}, {"content-length", "2"}, {"content-length", "3"}}},
      {"a length that is no number", {{":status", "200"}, {"content-length", "two"}}},
  };
  std::atomic<size_t> next = 0;
  std::atomic<size_t> asked = 0;
  ScriptedOrigin origin(h2_script([&](H2Peer& peer, int32_t id) {
    if (peer.exchange(id).heads.front().get(":path") == "/good") return answer(peer, id, "good");
    ++asked;
    peer.send(h2_headers(id, rows[next].fields, kEndHeaders));
    peer.send({H2Type::data, kEndStream, id, "hello"});
  }));
  ProxyProcess proxy(to(origin));
  for (; next < rows.size(); ++next) {
    CAPTURE(rows[next].name);
    const Response bad = proxy.get("/bad");
    CHECK(bad.status == 502);
    CHECK_FALSE(bad.fields.has("Set-Cookie"));
    // The endpoint has seen it, on whichever connection, and did not close that one.
    CHECK(error_token(bad) == "http_protocol_error");
    CHECK(asked == next + 1);
    CHECK(proxy.get("/good").body == "good");
  }
}

TEST_CASE("an origin that breaks the rules of the connection is said to have done so") {
  ScriptedOrigin origin(h2_script([&](H2Peer& peer, int32_t id) {
    peer.send({H2Type::push_promise, kEndHeaders, id, h2_number(2) + h2_block(h2_request())});
  }));
  ProxyProcess proxy(to(origin));
  const Response response = proxy.get("/");
  CHECK(response.status == 502);
  CHECK(error_token(response) == "http_protocol_error");
  CHECK(origin.accepts() == 1);
}

TEST_CASE("105: a response whose DATA is not its Content-Length is incomplete for the client") {
  const std::string body = GENERATE(as<std::string>(), "hell", "hello world");
  CAPTURE(body);
  ScriptedOrigin origin(h2_script([&](H2Peer& peer, int32_t id) {
    answer(peer, id, body, {{"content-length", "5"}});
  }));
  ProxyProcess proxy(to(origin));
  Client client = proxy.connect();
  client.send(kGet);
  const Response response = client.read_response();
  CHECK((response.status == 502 || !response.complete || response.body == "hello"));
  CHECK((body != "hell" || response.status == 502 || !response.complete));
}

TEST_CASE("106: a request on a refused stream goes out again, whatever its method") {
  enum class How { refused_stream, goaway, goaway_and_end };
  const How how = GENERATE(How::refused_stream, How::goaway, How::goaway_and_end);
  const std::string request = GENERATE(as<std::string>(), kGet, kPost);
  CAPTURE(static_cast<int>(how), request);
  std::atomic<int> requests = 0;
  ScriptedOrigin origin([&](OriginConnection& connection) {
    H2Peer peer(connection, H2Peer::Role::server);
    while (const int32_t id = peer.accept()) {
      if (requests++ > 0) {
        answer(peer, id, "second");
        continue;
      }
      if (how == How::refused_stream) {
        peer.send(h2_reset(id, kRefusedStream));
        continue;
      }
      peer.send(h2_goaway(id - 1));
      if (how == How::goaway_and_end) return;
    }
  });
  ProxyProcess proxy(to(origin));
  const Response response = proxy.exchange(request);
  CHECK(response.status == 200);
  CHECK(response.body == "second");
  CHECK(requests == 2);
}

std::string post(size_t size) {
  return "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n" +
         std::string(size, 'b');
}

TEST_CASE("106: a body goes out again with its request, framed either way") {
  const std::string request = GENERATE(as<std::string>(), post(5), post(12'000),
                                       "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
                                       "chunked\r\n\r\n5\r\nhello\r\n3\r\nyou\r\n0\r\n\r\n");
  const bool after_the_body = GENERATE(false, true);
  CAPTURE(request.substr(0, 80), after_the_body);
  std::atomic<int> requests = 0;
  std::string first;
  ScriptedOrigin origin(h2_script([&](H2Peer& peer, int32_t id) {
    if (requests++ > 0) return answer(peer, id, peer.finish(id).body);
    if (after_the_body) first = peer.finish(id).body;
    peer.send(h2_reset(id, kRefusedStream));
  }));
  ProxyProcess proxy(to(origin));
  const Response response = proxy.exchange(request);
  CHECK(response.status == 200);
  CHECK(response.body ==
        (request.starts_with("PUT") ? "helloyou" : request.substr(request.find("\r\n\r\n") + 4)));
  if (after_the_body) CHECK(response.body == first);
  CHECK(requests == 2);
}

TEST_CASE("106: a body of which more was sent than is kept does not go out again") {
  std::atomic<int> requests = 0;
  ScriptedOrigin origin(h2_script([&](H2Peer& peer, int32_t id) {
    ++requests;
    peer.finish(id);
    peer.send(h2_reset(id, kRefusedStream));
  }));
  ProxyProcess proxy(to(origin));
  const Response response = proxy.exchange(post(200'000));
  CHECK(response.status == 502);
  CHECK(fault_of_local_reply(response).empty());
  CHECK(requests == 1);
}

// What a chat over gRPC looks like: little, seldom, from both sides.
TEST_CASE("once the response has begun, nobody asks how fast the request body comes") {
  ScriptedOrigin origin(h2_script([&](H2Peer& peer, int32_t id) {
    peer.send(h2_headers(id, {{":status", "200"}}, kEndHeaders));
    peer.finish(id);
    peer.send({H2Type::data, kEndStream, id, peer.exchange(id).body});
  }));
  ProxyConfig config = to(origin);
  config.timeouts = "request_body = \"100ms\"\nrequest_body_min_rate = \"1KiB\"";
  ProxyProcess proxy(config);
  H2Peer client = H2Peer::connect(proxy.address());
  const int32_t talk = client.request(h2_request("POST"), H2Ends::no);
  REQUIRE(client.await([&] { return client.exchange(talk).status() == 200; }));
  // Another one, with no response, is cut off by the deadline that would have cut this one off.
  Client slow = proxy.connect();
  slow.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nfirst");
  slow.read_rest();
  REQUIRE(client.data(talk, "still here", H2Ends::yes));
  CHECK(client.finish(talk).body == "still here");
}

TEST_CASE(
    "106: a stream that the last id covers ends well after GOAWAY, and the next is elsewhere") {
  ScriptedOrigin origin([&](OriginConnection& connection) {
    H2Peer peer(connection, H2Peer::Role::server);
    while (const int32_t id = peer.accept()) {
      if (connection.index() == 0) peer.send(h2_goaway(id));
      answer(peer, id, "connection " + std::to_string(connection.index()));
    }
  });
  ProxyProcess proxy(to(origin));
  CHECK(proxy.exchange(kPost).body == "connection 0");
  CHECK(proxy.exchange(kPost).body == "connection 1");
  CHECK(proxy.exchange(kPost).body == "connection 1");
}

TEST_CASE("106: a POST that the origin may have seen is not sent again") {
  const uint32_t error = GENERATE(kNoError, kCancel, uint32_t{2});
  CAPTURE(error);
  std::atomic<int> requests = 0;
  ScriptedOrigin origin(h2_script([&](H2Peer& peer, int32_t id) {
    ++requests;
    peer.send(h2_reset(id, error));
  }));
  ProxyProcess proxy(to(origin));
  const Response response = proxy.exchange(kPost);
  CHECK(response.status == 502);
  CHECK(fault_of_local_reply(response).empty());
  CHECK(requests == 1);
}

TEST_CASE("a connection to an HTTP/2 origin that has fallen silent gets no more requests") {
  ScriptedOrigin origin([](OriginConnection& connection) {
    H2Peer peer(connection, H2Peer::Role::server);
    int count = 0;
    while (const int32_t id = peer.accept()) {
      if (connection.index() > 0 || count == 0)
        answer(peer, id, "connection " + std::to_string(connection.index()));
      ++count;
    }
  });
  ProxyConfig config = to(origin);
  config.upstream_timeouts = "response_head = \"200ms\"";
  ProxyProcess proxy(config);
  CHECK(proxy.get("/").body == "connection 0");
  CHECK(proxy.get("/").status == 504);
  CHECK(proxy.get("/").body == "connection 1");
  CHECK(proxy.get("/").body == "connection 1");
}

TEST_CASE("an HTTP/2 origin that resets in the middle of a body leaves it incomplete") {
  Gate head_is_there;
  ScriptedOrigin origin(h2_script([&](H2Peer& peer, int32_t id) {
    peer.send(h2_headers(id, {{":status", "200"}}, kEndHeaders));
    peer.send({H2Type::data, 0, id, "hello"});
    head_is_there.wait();
    peer.send(h2_reset(id, 2));
  }));
  ProxyProcess proxy(to(origin));
  Client client = proxy.connect();
  client.send(kGet);
  CHECK(client.read_response_head().status == 200);
  head_is_there.open();
  CHECK(client.read_rest().bytes.find("0\r\n\r\n") == std::string::npos);
}

TEST_CASE("who waits for a stream gets one when the origin allows more of them") {
  Gate go_on;
  ScriptedOrigin origin([&](OriginConnection& connection) {
    H2Peer peer(connection, H2Peer::Role::server, {{kMaxConcurrentStreams, 1}});
    answer(peer, peer.accept(), "the limit is known");
    const int32_t first = peer.accept();
    go_on.wait();
    peer.send(h2_settings({{kMaxConcurrentStreams, 5}}));
    const int32_t second = peer.accept();
    answer(peer, second, "second");
    answer(peer, first, "first");
    while (peer.accept() != 0) {
    }
  });
  ProxyConfig config = to(origin);
  config.pool = "max_connections = 1\nqueue_timeout = \"20s\"";
  ProxyProcess proxy(config);
  CHECK(proxy.get().body == "the limit is known");
  Client first = proxy.connect();
  first.send(kGet);
  const std::string at = ProxyProcess::endpoint(origin.address(), "requests/");
  CHECK(proxy.wait_number(at + "in_flight", 1) == 1);
  Client second = proxy.connect();
  second.send(kGet);
  CHECK(proxy.wait_number(at + "queued", 1) == 1);
  go_on.open();
  CHECK(second.read_response().body == "second");
  CHECK(first.read_response().body == "first");
  CHECK(origin.accepts() == 1);
}

TEST_CASE("many clients at a time share few connections to an HTTP/2 origin with a small limit") {
  constexpr size_t kClients = 20;
  ScriptedOrigin origin([](OriginConnection& connection) {
    H2Peer peer(connection, H2Peer::Role::server, {{kMaxConcurrentStreams, 5}});
    while (const int32_t id = peer.accept()) answer(peer, id, "done");
  });
  ProxyProcess proxy(to(origin));
  CHECK(proxy.get().body == "done");
  std::vector<Client> clients;
  for (size_t i = 0; i < kClients; ++i) clients.push_back(proxy.connect());
  for (int round = 0; round < 3; ++round) {
    for (Client& client : clients) client.send(kGet);
    for (Client& client : clients) CHECK(client.read_response().body == "done");
  }
  CHECK(origin.requests() == 0);  // none of them was HTTP/1.1
  CHECK(origin.accepts() < static_cast<int>(kClients));
}

}  // namespace
}  // namespace onehop::test
