// SPDX-License-Identifier: MIT
// Faults that were found by attacking the proxy, each kept away by a test.
#include "tests/support/catch.h"
#include "tests/support/expect.h"
#include "tests/support/proxy_process.h"
#include "tests/support/scripted_origin.h"

namespace onehop::test {
namespace {

TEST_CASE("server.limits.connections is a limit") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(ProxyConfig{
      .endpoints = {origin.address()}, .server = "workers = 1", .limits = "connections = 3"});
  std::vector<Client> clients;
  for (int i = 0; i < 10; ++i) clients.push_back(proxy.connect());
  // Three pauses later it would have taken three more, were it only a slower pace.
  REQUIRE(eventually(
      [&] { return proxy.stats().number("downstream/connections/accept_paused_total") >= 4; }));
  CHECK(proxy.stats().number("downstream/connections/open") == 3);
}

TEST_CASE("an empty line behind a request is not answered") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(
      ProxyConfig{.endpoints = {origin.address()}, .timeouts = "request_head = \"200ms\""});
  Client client = proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n\r\n");
  CHECK(client.read_response().body == "done");
  CHECK(client.read_rest().bytes == "");
}

TEST_CASE("Max-Forwards is counted down where it counts") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  CHECK(proxy.exchange("OPTIONS / HTTP/1.1\r\nHost: a\r\nMax-Forwards: 5\r\n\r\n").status == 200);
  CHECK(origin.last().field("Max-Forwards") == "4");
  CHECK(proxy.exchange("GET / HTTP/1.1\r\nHost: a\r\nMax-Forwards: 5\r\n\r\n").status == 200);
  CHECK(origin.last().field("Max-Forwards") == "5");
}

TEST_CASE("a tunnel whose origin is gone does not stay open") {
  ScriptedOrigin origin([](OriginConnection& connection) {
    connection.must_read_request();
    connection.send(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  Client client = proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  CHECK(client.read_response().status == 101);
  // The client goes on sending, and never closes: onehop must see that nobody takes it.
  CHECK(eventually([&] {
    client.try_send("x");
    return proxy.stats().number("downstream/connections/open") == 0;
  }));
}

}  // namespace
}  // namespace onehop::test
