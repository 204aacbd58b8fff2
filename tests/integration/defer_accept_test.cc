// SPDX-License-Identifier: MIT
// A listener with `defer_accept = true`: clients come in with their first bytes, and all that holds
// of other clients holds of them.
#include <fstream>
#include <sstream>

#include "tests/support/catch.h"
#include "tests/support/gate.h"
#include "tests/support/proxy_chain.h"

namespace onehop::test {
namespace {

constexpr char kGet[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr char kGetAndClose[] = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
constexpr char kAccepted[] = "downstream/connections/accepted_total";

ProxyConfig deferring(const ScriptedOrigin& origin) {
  return ProxyConfig{.endpoints = {origin.address()}, .listener = "defer_accept = true"};
}

// What the kernel calls a client that has connected and was not handed over: on the listener's side
// the connection is in state SYN_RECV (3).
bool kept_by_kernel(const ProxyProcess& proxy, const Client& client) {
  const auto hexadecimal_port = [](unsigned port) {
    std::ostringstream text;
    text << ":" << std::uppercase << std::hex;
    text.width(4);
    text.fill('0');
    text << port;
    return text.str();
  };
  const std::string& address = proxy.address();
  const auto port = static_cast<unsigned>(std::stoul(address.substr(address.rfind(':') + 1)));
  std::ifstream table("/proc/net/tcp");
  std::string number, local, remote, state, line;
  while (std::getline(table, line)) {
    std::istringstream(line) >> number >> local >> remote >> state;
    if (local.ends_with(hexadecimal_port(port)) &&
        remote.ends_with(hexadecimal_port(client.local_port())))
      return state == "03";
  }
  return false;
}

TEST_CASE("a client that only connects is not accepted before one that asks") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("body")));
  const ProxyProcess proxy(deferring(origin));
  // After a second the kernel hands a silent client over: then it is no witness, and another is.
  int64_t others = 0;
  REQUIRE(eventually([&] {
    const int64_t before = proxy.stats().number(kAccepted);
    Client silent = proxy.connect();
    Client asking = proxy.connect();
    asking.send(kGet);
    CHECK(asking.read_response().body == "body");
    others = proxy.stats().number(kAccepted) - before;
    return kept_by_kernel(proxy, silent);
  }));
  CHECK(others == 1);
}

TEST_CASE("a client that only connects is served when it asks in the end") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("body")));
  const ProxyProcess proxy(deferring(origin));
  Client client = proxy.connect();
  CHECK(proxy.get().body == "body");
  client.send(kGet);
  CHECK(client.read_response().body == "body");
}

TEST_CASE("clients of all protocols come in with their first bytes") {
  for_all_legs([](Leg down, Leg up) {
    ProxyChain chain(down, up, ScriptedOrigin::answering([](const Request& request) {
                       return ok(request.target + request.body);
                     }),
                     {.listener = "defer_accept = true"});
    const auto client = chain.client();
    client->ask({.path = "/one"});
    CHECK(client->response().body == "/one");
    client->ask({.method = "POST", .path = "/two", .length = Length::unknown});
    client->send("body");
    client->finish();
    CHECK(client->response().body == "/twobody");
  });
}

TEST_CASE("a connection that came with its request goes on as any other") {
  ScriptedOrigin origin(ScriptedOrigin::answering(
      [](const Request& request) { return ok(request.target + request.body); }));
  const ProxyProcess proxy(deferring(origin));
  Client client = proxy.connect();

  SECTION("for the next request") {
    for (const std::string target : {"/1", "/2", "/3"}) {
      client.send("GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n");
      CHECK(client.read_response().body == target);
    }
  }
  SECTION("for requests that were sent ahead") {
    client.send(std::string(kGet) + kGet + kGetAndClose);
    for (int i = 0; i < 3; ++i) CHECK(client.read_response().body == "/");
    CHECK(client.wait_end() == End::closed);
  }
  SECTION("for the rest of a head") {
    client.send("GET /a-head HTTP/1.1\r\n");
    client.wait_until_read();
    client.send("Host: a\r\n\r\n");
    CHECK(client.read_response().body == "/a-head");
  }
  SECTION("for the body behind the head") {
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n");
    client.wait_until_read();
    client.send("body");
    CHECK(client.read_response().body == "/body");
  }
}

TEST_CASE("a client that came with its request and leaves while its replica thinks has left") {
  const std::string request = GENERATE(as<std::string>(), kGet, kGetAndClose);
  ScriptedOrigin origin([](OriginConnection& connection) {
    connection.must_read_request();
    connection.read_rest();
  });
  const ProxyProcess proxy(deferring(origin));
  Client client = proxy.connect();
  client.send(request);
  REQUIRE(eventually([&] { return origin.requests() == 1; }));
  const bool reset = GENERATE(false, true);
  reset ? client.reset() : client.half_close();
  CHECK(eventually([&] { return origin.open() == 0; }));
  CHECK(proxy.wait_number("downstream/connections/open", 0) == 0);
}

TEST_CASE("a client that has ended its side behind its request is served where that is said") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("body")));
  ProxyConfig config = deferring(origin);
  config.listener += "\nhalf_close = \"serve\"";
  const ProxyProcess proxy(config);
  for (const std::string request : {kGet, kGetAndClose}) {
    Client client = proxy.connect();
    client.send(request);
    client.half_close();
    CHECK(client.read_response().body == "body");
    CHECK(client.wait_end() == End::closed);
  }
}

TEST_CASE("a client that came with its request is served however long its replica thinks") {
  Gate go_on;
  ScriptedOrigin origin(ScriptedOrigin::once_open(go_on, ok("body")));
  const ProxyProcess proxy(deferring(origin));
  Client client = proxy.connect();
  client.send(kGet);
  REQUIRE(eventually([&] { return origin.requests() == 1; }));
  for (int i = 0; i < 10; ++i) CHECK(proxy.stats().number("downstream/connections/open") == 1);
  go_on.open();
  CHECK(client.read_response().body == "body");
}

TEST_CASE("whoever ends or resets its connection before a byte leaves nothing behind") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("body")));
  const ProxyProcess proxy(deferring(origin));
  for (int i = 0; i < 20; ++i) {
    Client ending = proxy.connect();
    ending.half_close();
    CHECK(ending.wait_end() == End::closed);
    Client resetting = proxy.connect();
    resetting.reset();
  }
  CHECK(proxy.get().body == "body");
  CHECK(proxy.wait_number("downstream/connections/open", 0) == 0);
}

TEST_CASE("a large response to a first request reaches a client that takes it slowly") {
  const std::string body(8 << 20, 'x');
  ScriptedOrigin origin(ScriptedOrigin::always(ok(body)));
  const ProxyProcess proxy(deferring(origin));
  Client client = Client::connect(proxy.address(), 4096);
  client.send(kGetAndClose);
  CHECK(client.read_response().body == body);
  CHECK(client.wait_end() == End::closed);
}

TEST_CASE("an upgrade that came with its client is a tunnel both ways") {
  ScriptedOrigin origin([](OriginConnection& connection) {
    connection.must_read_request();
    connection.send(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
    connection.send("pong" + connection.read_exact(4));
  });
  const ProxyProcess proxy(deferring(origin));
  Client client = proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
  CHECK(client.read_response_head().status == 101);
  client.send("ping");
  CHECK(client.read_exact(8) == "pongping");
}

TEST_CASE("what onehop answers itself reaches a client that came with its request") {
  const ProxyProcess proxy(ProxyConfig{.endpoints = {"127.0.0.1:1"},
                                       .listener = "defer_accept = true",
                                       .routes = "[[route]]\nhost = \"b\"\nupstream = \"app\"\n"});
  Client client = proxy.connect();
  client.send(std::string(kGet) + kGetAndClose);
  CHECK(client.read_response().status == 404);
  CHECK(client.read_response().status == 404);
  CHECK(client.wait_end() == End::closed);
}

}  // namespace
}  // namespace onehop::test
