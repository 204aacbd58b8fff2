// SPDX-License-Identifier: MIT
// A request to upgrade that has a body, as `docker exec` and `docker attach` send (RFC 9110 7.8):
// the body goes first, the switch comes with a matching 101, and nothing behind the body is seen by
// anybody before that (edge case 62).
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/expect.h"
#include "tests/support/gate.h"
#include "tests/support/proxy_chain.h"
#include "tests/support/proxy_process.h"
#include "tests/support/scripted_origin.h"

namespace onehop::test {
namespace {

constexpr char kBody[] = "{\"Detach\":false,\"Tty\":true}";
constexpr char kSwitch[] =
    "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\n"
    "Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n";
constexpr char kNext[] = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";

enum class Framed { by_length, in_chunks };

std::string ask_head(Framed framed, size_t size) {
  return "POST /exec/1/start HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
         "Connection: Upgrade\r\nUpgrade: tcp\r\n" +
         (framed == Framed::in_chunks ? std::string("Transfer-Encoding: chunked\r\n\r\n")
                                      : "Content-Length: " + std::to_string(size) + "\r\n\r\n");
}

std::string framed_body(Framed framed, const std::string& body) {
  return framed == Framed::in_chunks ? chunked(body) : body;
}

std::string ask(Framed framed, const std::string& body = kBody) {
  return ask_head(framed, body.size()) + framed_body(framed, body);
}

ProxyConfig to(const ScriptedOrigin& origin) {
  return {.endpoints = {origin.address()}};
}

TEST_CASE("the body of a request to upgrade is sent first, and bytes flow after the 101") {
  const Framed framed = GENERATE(Framed::by_length, Framed::in_chunks);
  CAPTURE(static_cast<int>(framed));
  ScriptedOrigin origin([](OriginConnection& connection) {
    const Request request = connection.must_read_request();
    if (request.body != kBody || request.field("Upgrade") != "tcp" ||
        !request.fields.has_token("Connection", "Upgrade"))
      throw PeerError("the request came as " + request.head + request.body);
    connection.send(kSwitch);
    for (int i = 0; i < 2; ++i) connection.send("<" + connection.read_exact(5) + ">");
    const Rest rest = connection.read_rest();
    connection.send("then " + rest.bytes);
  });
  ProxyProcess proxy(to(origin));
  Client client = proxy.connect();
  client.send(ask(framed));
  const Response response = client.read_response_head();
  CHECK(response.status == 101);
  CHECK(response.field("Upgrade") == "tcp");
  CHECK(response.field("Content-Type") == "application/vnd.docker.raw-stream");
  CHECK_FALSE(response.fields.has("Content-Length"));
  for (const std::string word : {"hello", "GET /"}) {
    client.send(word);
    CHECK(client.read_exact(7) == "<" + word + ">");
  }
  client.send("bye");
  client.half_close();
  CHECK(client.read_rest().bytes == "then bye");
}

TEST_CASE("bytes behind the body of a request to upgrade wait for the 101") {
  const Framed framed = GENERATE(Framed::by_length, Framed::in_chunks);
  CAPTURE(static_cast<int>(framed));
  Gate waited;
  ScriptedOrigin origin([&](OriginConnection& connection) {
    const Request request = connection.must_read_request();
    if (request.body != kBody) throw PeerError("the body came as " + request.body);
    waited.wait();
    connection.send(kSwitch);
    connection.send(connection.read_exact(std::string(kNext).size()));
    connection.wait_end();
  });
  ProxyProcess proxy(to(origin));
  Client client = proxy.connect();
  client.send(ask(framed) + kNext);
  client.wait_until_read();
  waited.open();
  CHECK(client.read_response_head().status == 101);
  CHECK(client.read_exact(std::string(kNext).size()) == kNext);
  CHECK(origin.requests() == 1);
}

TEST_CASE("behind a refused upgrade with a body comes an ordinary request, or nothing") {
  const Framed framed = GENERATE(Framed::by_length, Framed::in_chunks);
  const std::string answer =
      GENERATE("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno",
               "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno",
               "HTTP/1.1 426 Upgrade Required\r\nUpgrade: other\r\nConnection: Upgrade\r\n"
               "Transfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n");
  CAPTURE(static_cast<int>(framed), answer);
  ScriptedOrigin origin(ScriptedOrigin::answering([&](const Request& request) {
    return request.target == "/exec/1/start" ? answer : ok(request.target);
  }));
  ProxyProcess proxy(to(origin));
  Client client = proxy.connect();
  // The body looks like a request, and so does what is behind it.
  client.send(ask(framed, kNext) + "GET /next HTTP/1.1\r\nHost: a\r\nX-Real-IP: 10.0.0.1\r\n\r\n");
  const Response refused = client.read_response();
  CHECK(refused.body == "no");
  CHECK(client.read_response().body == "/next");
  const std::vector<Request> seen = origin.seen();
  REQUIRE(seen.size() == 2);
  CHECK(seen[0].body == kNext);
  CHECK(seen[1].target == "/next");
  // It went through the proxy as any other: with a name of its own.
  CHECK(seen[1].fields.has("X-Request-Id"));
  CHECK(seen[0].field("X-Request-Id") != seen[1].field("X-Request-Id"));
}

TEST_CASE("junk behind a refused upgrade with a body is a bad request, and reaches nobody") {
  const Framed framed = GENERATE(Framed::by_length, Framed::in_chunks);
  CAPTURE(static_cast<int>(framed));
  ScriptedOrigin origin(ScriptedOrigin::always(ok("no thanks")));
  ProxyProcess proxy(to(origin));
  Client client = proxy.connect();
  client.send(ask(framed) + "\x81\x05hello GET /smuggled HTTP/1.1\r\n\r\n");
  CHECK(client.read_response().status == 200);
  CHECK(client.read_response().status == 400);
  CHECK(client.read_rest().bytes.empty());
  CHECK(origin.requests() == 1);
}

TEST_CASE("a 101 before the end of the request is a bad response") {
  const Framed framed = GENERATE(Framed::by_length, Framed::in_chunks);
  CAPTURE(static_cast<int>(framed));
  ScriptedOrigin origin([](OriginConnection& connection) {
    connection.read_request_head();
    connection.send(std::string(kSwitch) + "tunnel");
    connection.read_rest();
  });
  ProxyProcess proxy(to(origin));
  Client client = proxy.connect();
  client.send(ask_head(framed, 1000) + framed_body(Framed::by_length, framed == Framed::in_chunks
                                                                          ? "5\r\nhello\r\n"
                                                                          : "hello"));
  const Response response = client.read_response();
  CHECK(response.status == 502);
  CHECK_THAT(fault_of_local_reply(response), Catch::Matchers::Equals(""));
  client.try_send(kNext);
  CHECK(client.read_rest().bytes.empty());
  CHECK(origin.requests() == 1);
}

TEST_CASE("a 101 to something else than was asked with a body is a bad response") {
  ScriptedOrigin origin([](OriginConnection& connection) {
    connection.must_read_request();
    connection.try_send(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: udp\r\n\r\ntunnel");
    connection.read_rest();
  });
  ProxyProcess proxy(to(origin));
  const Response response = proxy.exchange(ask(Framed::by_length));
  CHECK(response.status == 502);
  CHECK(response.body.find("tunnel") == std::string::npos);
}

TEST_CASE("an upgrade with a malformed body opens no tunnel") {
  ScriptedOrigin origin([](OriginConnection& connection) {
    if (connection.read_request()) connection.send(kSwitch);
  });
  ProxyProcess proxy(to(origin));
  Client client = proxy.connect();
  client.send(ask_head(Framed::in_chunks, 0) + "5\r\nhello\r\n0x5\r\nhello\r\n0\r\n\r\n");
  CHECK(client.read_response().status == 400);
  CHECK(client.read_rest().bytes.empty());
  CHECK(origin.requests() == 0);
}

TEST_CASE("a large body of a request to upgrade arrives whole before the switch") {
  const Framed framed = GENERATE(Framed::by_length, Framed::in_chunks);
  CAPTURE(static_cast<int>(framed));
  const std::string body = noise(3 << 20);
  ScriptedOrigin origin([&](OriginConnection& connection) {
    const Request request = connection.must_read_request();
    connection.send(request.body == body ? std::string(kSwitch) + "whole" : ok("torn"));
    connection.wait_end();
  });
  ProxyProcess proxy(to(origin));
  Client client = proxy.connect();
  client.send(ask(framed, body));
  CHECK(client.read_response_head().status == 101);
  CHECK(client.read_exact(5) == "whole");
}

TEST_CASE("an upgrade with a body is the same with TLS on either side") {
  for_all_legs([](Leg down, Leg up) {
    if (down.speaks != Speaks::h1 || up.speaks != Speaks::h1) return;
    ProxyChain chain(down, up, [](OriginConnection& connection) {
      const Request request = connection.must_read_request();
      connection.send(kSwitch + request.body);
      connection.send(connection.read_exact(10));
      connection.wait_end();
    });
    for (const Length length : {Length::known, Length::unknown}) {
      const auto client = chain.client();
      client->ask({.method = "POST",
                   .fields = {{"Connection", "Upgrade"}, {"Upgrade", "tcp"}},
                   .length = length,
                   .bytes = 5});
      CHECK(client->send("hello"));
      client->finish();
      CHECK(client->head().status == 101);
      // What looks like a chunk is none any more.
      const bool known = length == Length::known;
      CHECK(client->send(known ? "0123456789" : "again"));
      std::string got;
      while (got.size() < 15) got += client->some_body();
      CHECK(got == (known ? "hello0123456789" : "hello5\r\nagain\r\n"));
    }
  });
}

TEST_CASE("to an endpoint of HTTP/2 alone the body goes on and the upgrade does not") {
  for_all_legs([](Leg down, Leg up) {
    if (down.speaks != Speaks::h1 || up.speaks != Speaks::h2) return;
    ProxyChain chain(down, up, ScriptedOrigin::answering([](const Request& request) {
                       return ok(request.fields.has("Upgrade") ? "upgrade" : request.body);
                     }));
    const auto client = chain.client();
    client->ask({.method = "POST",
                 .fields = {{"Connection", "Upgrade"}, {"Upgrade", "tcp"}},
                 .length = Length::known,
                 .bytes = 5});
    CHECK(client->send("hello"));
    client->finish();
    CHECK(client->response().body == "hello");
  });
}

}  // namespace
}  // namespace onehop::test
