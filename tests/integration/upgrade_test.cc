// SPDX-License-Identifier: MIT
// Upgrade, as WebSocket uses it: a tunnel after a 101 that matches, and only then (edge cases 62,
// 86 to 88).
#include "tests/support/catch.h"
#include "tests/support/expect.h"
#include "tests/support/gate.h"
#include "tests/support/proxy_process.h"
#include "tests/support/scripted_origin.h"

namespace onehop::test {
namespace {

constexpr char kAsk[] =
    "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
constexpr char kSwitch[] =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: WebSocket\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

ProxyConfig to(const ScriptedOrigin& origin) {
  return {.endpoints = {origin.address()}};
}

TEST_CASE("after a matching 101 bytes flow both ways as they are") {
  ScriptedOrigin origin([](OriginConnection& connection) {
    const Request request = connection.must_read_request();
    if (!request.fields.has_token("Connection", "Upgrade") ||
        request.field("Upgrade") != "websocket" ||
        request.field("Sec-WebSocket-Key") != "dGhlIHNhbXBsZSBub25jZQ==") {
      throw PeerError("the request to upgrade came as " + request.head);
    }
    connection.send(kSwitch);
    for (int i = 0; i < 3; ++i) connection.send("<" + connection.read_exact(5) + ">");
    connection.wait_end();
  });
  ProxyProcess proxy(to(origin));
  Client client = proxy.connect();
  client.send(kAsk);
  const Response response = client.read_response();
  CHECK(response.status == 101);
  CHECK(same_ignoring_case(response.field("Upgrade"), "websocket"));
  CHECK(response.fields.has_token("Connection", "upgrade"));
  CHECK(response.field("Sec-WebSocket-Accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  CHECK_FALSE(response.fields.has("Content-Length"));
  CHECK_FALSE(response.fields.has("Transfer-Encoding"));
  for (const std::string word : {"hello", "GET /", "\r\n\r\n0"}) {
    client.send(word);
    CHECK(client.read_exact(7) == "<" + word + ">");
  }
}

TEST_CASE("87: bytes behind the 101 head and behind the request belong to the tunnel") {
  ScriptedOrigin origin([](OriginConnection& connection) {
    connection.must_read_request();
    connection.send(std::string(kSwitch) + "server first");
    const std::string early = connection.read_exact(12);
    connection.send(early);
    connection.wait_end();
  });
  ProxyProcess proxy(to(origin));
  Client client = proxy.connect();
  client.send(std::string(kAsk) + "client early");
  CHECK(client.read_response().status == 101);
  CHECK(client.read_exact(24) == "server firstclient early");
}

TEST_CASE("87: the end of one direction is passed on, and the other goes on") {
  ScriptedOrigin origin([](OriginConnection& connection) {
    connection.must_read_request();
    connection.send(kSwitch);
    const Rest rest = connection.read_rest();
    connection.send("you said " + rest.bytes);
  });
  ProxyProcess proxy(to(origin));
  Client client = proxy.connect();
  client.send(kAsk);
  CHECK(client.read_response().status == 101);
  client.send("goodbye");
  client.half_close();
  const Rest rest = client.read_rest();
  CHECK(rest.bytes == "you said goodbye");
  CHECK(rest.end == End::closed);
}

TEST_CASE("87: the end of the upstream's direction is passed on, and the other goes on") {
  Gate heard;
  ScriptedOrigin origin([&](OriginConnection& connection) {
    connection.must_read_request();
    connection.send(std::string(kSwitch) + "last words");
    connection.half_close();
    if (connection.read_rest().bytes == "still here") heard.open();
  });
  ProxyProcess proxy(to(origin));
  Client client = proxy.connect();
  client.send(kAsk);
  CHECK(client.read_response().status == 101);
  const Rest rest = client.read_rest();
  CHECK(rest.bytes == "last words");
  client.send("still here");
  client.half_close();
  CHECK(heard.wait_for(patience()));
}

TEST_CASE("a tunnel that one side resets is closed on the other") {
  ScriptedOrigin origin([](OriginConnection& connection) {
    connection.must_read_request();
    connection.send(kSwitch);
    connection.read_rest();
  });
  ProxyProcess proxy(to(origin));
  Client client = proxy.connect();
  client.send(kAsk);
  CHECK(client.read_response().status == 101);
  client.reset();
  CHECK(eventually([&] { return origin.open() == 0; }));
}

TEST_CASE("88: a 101 to a request that asked for something else is a 502") {
  struct Row {
    std::string name;
    std::string ask;
    std::string answer;
  };
  const std::string plain = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  const Row row = GENERATE_COPY(
      Row{"nothing asked", plain, kSwitch},
      Row{"another protocol", kAsk,
          "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"},
      Row{"no Upgrade field", kAsk,
          "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\n"},
      Row{"Upgrade without Connection asked",
          "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n", kSwitch},
      Row{"HTTP/1.0",
          "GET / HTTP/1.0\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
          kSwitch});
  CAPTURE(row.name);
  ScriptedOrigin origin([&](OriginConnection& connection) {
    connection.must_read_request();
    connection.try_send(row.answer + "tunnel");
    connection.read_rest();
  });
  ProxyProcess proxy(to(origin));
  const Response response = proxy.exchange(row.ask);
  CHECK(response.status == 502);
  CHECK_THAT(fault_of_local_reply(response), Catch::Matchers::Equals(""));
  CHECK(response.body.find("tunnel") == std::string::npos);
}

TEST_CASE("62: nothing behind a request to upgrade is a tunnel before the 101") {
  // The upstream refuses; what the client sent behind its request is then an ordinary request, or
  // is discarded with the connection.
  ScriptedOrigin origin(ScriptedOrigin::answering([](const Request& request) {
    return request.target == "/chat" ? "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"
                                     : ok(request.target);
  }));
  ProxyProcess proxy(to(origin));
  Client client = proxy.connect();
  client.send(std::string(kAsk) + "GET /next HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(client.read_response().status == 403);
  const Rest rest = [&] {
    client.half_close();
    return client.read_rest();
  }();
  CHECK((rest.bytes.empty() || rest.bytes.starts_with("HTTP/1.1 200 OK\r\n")));
  for (const Request& request : origin.seen()) {
    CHECK((request.target == "/chat" || request.target == "/next"));
  }
}

TEST_CASE("87: a tunnel whose reader stops stops its writer, and loses nothing") {
  const std::string bytes = noise(48 << 20);
  Gate stuck;
  size_t sent = 0;
  ScriptedOrigin origin([&](OriginConnection& connection) {
    connection.must_read_request();
    connection.send(kSwitch);
    sent = connection.send_until_stuck(bytes);
    stuck.open();
    connection.send(std::string_view(bytes).substr(sent));
    connection.wait_end();
  });
  ProxyProcess proxy(to(origin));
  Client client = Peer::connect(proxy.address(), 65536);
  client.send(kAsk);
  CHECK(client.read_response_head().status == 101);
  REQUIRE(stuck.wait_for(patience()));
  CHECK(sent < bytes.size());
  CHECK(client.read_exact(bytes.size()) == bytes);
}

TEST_CASE("a tunnel is not put back into the pool") {
  ScriptedOrigin origin([](OriginConnection& connection) {
    const Request request = connection.must_read_request();
    if (request.target == "/chat") {
      connection.send(std::string(kSwitch) + "hi");
      return;
    }
    connection.send(ok("done"));
    connection.wait_end();
  });
  ProxyProcess proxy(to(origin));
  Client client = proxy.connect();
  client.send(kAsk);
  CHECK(client.read_response().status == 101);
  CHECK(client.read_rest().bytes == "hi");
  CHECK(proxy.get().body == "done");
  CHECK(origin.accepts() == 2);
}

}  // namespace
}  // namespace onehop::test
