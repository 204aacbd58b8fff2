// SPDX-License-Identifier: MIT
// max_connections and the bounded queue in front of it.
#include "tests/support/catch.h"
#include "tests/support/expect.h"
#include "tests/support/gate.h"
#include "tests/support/proxy_process.h"
#include "tests/support/scripted_origin.h"

namespace onehop::test {
namespace {

constexpr char kGet[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

// Answers "/hold" only when the gate is open, everything else at once.
ScriptedOrigin::Script holding(Gate& gate) {
  return [&gate](OriginConnection& connection) {
    while (const std::optional<Request> request = connection.read_request()) {
      if (request->target == "/hold") gate.wait();
      if (!connection.try_send(ok(request->target))) return;
    }
  };
}

Client holder(const ProxyProcess& proxy) {
  Client client = proxy.connect();
  client.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
  return client;
}

TEST_CASE("requests over max_connections wait for a connection and are served in order") {
  Gate gate;
  ScriptedOrigin origin(holding(gate));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()},
                                 .pool = "max_connections = 1\nqueue_timeout = \"20s\""});
  Client first = holder(proxy);
  REQUIRE(eventually([&] { return origin.requests() == 1; }));
  std::vector<Client> waiting;
  for (int i = 0; i < 5; ++i) {
    waiting.push_back(proxy.connect());
    waiting.back().send("GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: a\r\n\r\n");
    const std::string queued = ProxyProcess::endpoint(origin.address(), "requests/queued");
    REQUIRE(proxy.wait_number(queued, i + 1) == i + 1);
  }
  CHECK(origin.requests() == 1);
  gate.open();
  CHECK(first.read_response().body == "/hold");
  for (int i = 0; i < 5; ++i)
    CHECK(waiting[static_cast<size_t>(i)].read_response().body == "/" + std::to_string(i));
  CHECK(origin.accepts() == 1);
  const std::vector<Request> seen = origin.seen();
  REQUIRE(seen.size() == 6);
  for (size_t i = 1; i < 6; ++i) CHECK(seen[i].target == "/" + std::to_string(i - 1));
}

TEST_CASE("a full queue is answered 503 at once") {
  Gate gate;
  ScriptedOrigin origin(holding(gate));
  ProxyProcess proxy(
      ProxyConfig{.endpoints = {origin.address()},
                  .pool = "max_connections = 1\nmax_queue = 1\nqueue_timeout = \"20s\""});
  Client first = holder(proxy);
  REQUIRE(eventually([&] { return origin.requests() == 1; }));
  Client second = proxy.connect();
  second.send(kGet);
  const std::string queued = ProxyProcess::endpoint(origin.address(), "requests/queued");
  REQUIRE(proxy.wait_number(queued, 1) == 1);
  const Response refused = proxy.get();
  CHECK(refused.status == 503);
  CHECK_THAT(fault_of_local_reply(refused), Catch::Matchers::Equals(""));
  gate.open();
  CHECK(first.read_response().status == 200);
  CHECK(second.read_response().status == 200);
}

TEST_CASE("a request that waited for queue_timeout is answered 503") {
  Gate gate;
  ScriptedOrigin origin(holding(gate));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()},
                                 .pool = "max_connections = 1\nqueue_timeout = \"50ms\""});
  Client first = holder(proxy);
  REQUIRE(eventually([&] { return origin.requests() == 1; }));
  const Response refused = proxy.get();
  CHECK(refused.status == 503);
  CHECK_THAT(fault_of_local_reply(refused), Catch::Matchers::Equals(""));
  gate.open();
  CHECK(first.read_response().status == 200);
  CHECK(proxy.get().status == 200);
  CHECK(origin.requests() == 2);
}

TEST_CASE("a client that leaves the queue takes its request with it") {
  Gate gate;
  ScriptedOrigin origin(holding(gate));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()},
                                 .pool = "max_connections = 1\nqueue_timeout = \"20s\""});
  Client first = holder(proxy);
  REQUIRE(eventually([&] { return origin.requests() == 1; }));
  const std::string queued = ProxyProcess::endpoint(origin.address(), "requests/queued");
  Client second = proxy.connect();
  second.send(kGet);
  REQUIRE(proxy.wait_number(queued, 1) == 1);
  second.reset();
  REQUIRE(proxy.wait_number(queued, 0) == 0);
  gate.open();
  CHECK(first.read_response().status == 200);
  CHECK(proxy.get("/after").body == "/after");
  CHECK(origin.requests() == 2);
}

TEST_CASE("max_connections is never exceeded, and everybody is served") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()},
                                 .pool = "max_connections = 2\nqueue_timeout = \"20s\""});
  std::vector<Client> clients;
  for (int i = 0; i < 40; ++i) {
    clients.push_back(proxy.connect());
    clients.back().send(kGet);
  }
  for (Client& client : clients) CHECK(client.read_response().status == 200);
  CHECK(origin.accepts() <= 2);
}

TEST_CASE("a connection that broke makes room for the next request of the queue") {
  Gate gate;
  ScriptedOrigin origin([&](OriginConnection& connection) {
    const Request request = connection.must_read_request();
    if (connection.index() == 0) {
      gate.wait();
      return;  // closed without an answer
    }
    connection.send(ok(request.target));
    connection.wait_end();
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()},
                                 .pool = "max_connections = 1\nqueue_timeout = \"20s\""});
  Client first = holder(proxy);
  REQUIRE(eventually([&] { return origin.requests() == 1; }));
  Client second = proxy.connect();
  second.send("GET /second HTTP/1.1\r\nHost: a\r\n\r\n");
  const std::string queued = ProxyProcess::endpoint(origin.address(), "requests/queued");
  REQUIRE(proxy.wait_number(queued, 1) == 1);
  gate.open();
  CHECK(first.read_response().status == 502);
  CHECK(second.read_response().body == "/second");
}

}  // namespace
}  // namespace onehop::test
