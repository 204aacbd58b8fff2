// SPDX-License-Identifier: MIT
// The life of a pooled upstream connection, and the reason counted for each one opened. What the
// proxy counts is held against what the origin saw.
#include "tests/support/catch.h"
#include "tests/support/gate.h"
#include "tests/support/proxy_process.h"
#include "tests/support/scripted_origin.h"

namespace onehop::test {
namespace {

// How many connections to the origin were opened for that reason.
int64_t opened(const ProxyProcess& proxy, const ScriptedOrigin& origin, const std::string& reason) {
  return proxy.stats().number_or_zero(
      ProxyProcess::endpoint(origin.address(), "connections/opened_by_reason/" + reason));
}

int64_t connections(const ProxyProcess& proxy, const ScriptedOrigin& origin,
                    const std::string& what) {
  return proxy.stats().number(ProxyProcess::endpoint(origin.address(), "connections/" + what));
}

bool wait_idle(const ProxyProcess& proxy, const ScriptedOrigin& origin, int64_t count) {
  return proxy.wait_number(ProxyProcess::endpoint(origin.address(), "connections/idle"), count) ==
         count;
}

TEST_CASE("one upstream connection serves many clients, and the counts agree with the origin") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  for (int i = 0; i < 20; ++i) REQUIRE(proxy.get().status == 200);
  CHECK(origin.accepts() == 1);
  REQUIRE(wait_idle(proxy, origin, 1));
  const Stats stats = proxy.stats();
  const auto at = [&](const std::string& rest) {
    return ProxyProcess::endpoint(origin.address(), rest);
  };
  CHECK(stats.number(at("connections/opened_total")) == 1);
  CHECK(stats.number(at("connections/reused_total")) == 19);
  CHECK(stats.number(at("connections/open")) == 1);
  CHECK(stats.number(at("connections/opened_by_reason/cold")) == 1);
  CHECK(stats.real(at("connections/reuse_ratio")) == Approx(0.95));
  CHECK(stats.number(at("requests/total")) == 20);
  CHECK(stats.number(at("requests/in_flight")) == 0);
}

TEST_CASE("the pool gives out the connection used last") {
  // Both connections are made by two requests at once; after that, single requests all use one of
  // them.
  Gate both;
  std::atomic<int> waiting = 0;
  ScriptedOrigin origin([&](OriginConnection& connection) {
    while (const std::optional<Request> request = connection.read_request()) {
      if (request->target == "/wait") {
        if (++waiting == 2) both.open();
        both.wait();
      }
      connection.send(ok(std::to_string(connection.index())));
    }
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  Client one = proxy.connect();
  Client two = proxy.connect();
  one.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
  two.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
  one.read_response();
  two.read_response();
  REQUIRE(wait_idle(proxy, origin, 2));
  const std::string last = proxy.get().body;
  for (int i = 0; i < 10; ++i) CHECK(proxy.get().body == last);
  CHECK(origin.accepts() == 2);
  CHECK(opened(proxy, origin, "cold") + opened(proxy, origin, "all_busy") == 2);
  CHECK(opened(proxy, origin, "all_busy") >= 1);
}

TEST_CASE("an idle connection is closed after idle_timeout") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(
      ProxyConfig{.endpoints = {origin.address()}, .pool = "idle_timeout = \"50ms\""});
  REQUIRE(proxy.get().status == 200);
  REQUIRE(eventually([&] { return origin.open() == 0; }));
  REQUIRE(proxy.get().status == 200);
  CHECK(origin.accepts() == 2);
  CHECK(opened(proxy, origin, "idle_expired") == 1);
}

TEST_CASE("Keep-Alive: timeout=N of the upstream shortens the idle time, less the margin") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done", "Keep-Alive: timeout=1, max=100\r\n")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()},
                                 .pool = "idle_timeout = \"60s\"\nkeep_alive_margin = \"900ms\""});
  REQUIRE(proxy.get().status == 200);
  CHECK(eventually([&] { return origin.open() == 0; }));
}

TEST_CASE("max_requests ends a connection after so many") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}, .pool = "max_requests = 3"});
  for (int i = 0; i < 9; ++i) REQUIRE(proxy.get().status == 200);
  CHECK(origin.accepts() == 3);
  CHECK(connections(proxy, origin, "opened_total") == 3);
  CHECK(opened(proxy, origin, "max_requests") == 2);
}

TEST_CASE("max_age ends a connection that is old enough") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}, .pool = "max_age = \"50ms\""});
  REQUIRE(eventually(
      [&] { return proxy.get().status == 200 && opened(proxy, origin, "max_age") > 0; }));
  CHECK(connections(proxy, origin, "opened_total") == origin.accepts());
}

TEST_CASE("max_idle bounds what is kept") {
  Gate all;
  std::atomic<int> waiting = 0;
  ScriptedOrigin origin([&](OriginConnection& connection) {
    while (connection.read_request()) {
      if (++waiting == 4) all.open();
      all.wait();
      connection.send(ok("done"));
    }
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}, .pool = "max_idle = 1"});
  std::vector<Client> clients;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(proxy.connect());
    clients.back().send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  }
  for (Client& client : clients) CHECK(client.read_response().status == 200);
  CHECK(origin.accepts() == 4);
  CHECK(eventually([&] { return origin.open() == 1; }));
  CHECK(wait_idle(proxy, origin, 1));
}

TEST_CASE("a response that ends persistence ends the connection") {
  struct Row {
    std::string name;
    std::string response;
  };
  const Row row =
      GENERATE(Row{"close", ok("done", "Connection: close\r\n")},
               Row{"close in a list and in capitals", ok("done", "Connection: x, CLOSE , y\r\n")},
               Row{"close in a second field", ok("done", "Connection: x\r\nConnection: close\r\n")},
               Row{"HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\ndone"});
  CAPTURE(row.name);
  ScriptedOrigin origin([&](OriginConnection& connection) {
    connection.must_read_request();
    connection.send(row.response);
    connection.wait_end();
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  for (int i = 0; i < 3; ++i) CHECK(proxy.get().body == "done");
  CHECK(origin.accepts() == 3);
  CHECK(opened(proxy, origin, "not_persistent") == 2);
}

TEST_CASE("an HTTP/1.0 upstream that says keep-alive is kept") {
  ScriptedOrigin origin(ScriptedOrigin::always(
      "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 4\r\n\r\ndone"));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  for (int i = 0; i < 3; ++i) CHECK(proxy.get().body == "done");
  CHECK(origin.accepts() == 1);
}

TEST_CASE("an idle connection that the upstream closes or resets is dropped without harm") {
  const bool by_reset = GENERATE(false, true);
  CAPTURE(by_reset);
  Gate end;
  ScriptedOrigin origin([&](OriginConnection& connection) {
    connection.must_read_request();
    connection.send(ok("done"));
    if (connection.index() != 0) {
      connection.wait_end();
      return;
    }
    end.wait();
    by_reset ? connection.reset() : connection.close();
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  REQUIRE(proxy.get().body == "done");
  REQUIRE(wait_idle(proxy, origin, 1));
  end.open();
  REQUIRE(wait_idle(proxy, origin, 0));
  CHECK(proxy.exchange("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi").body == "done");
  CHECK(opened(proxy, origin, "peer_closed_idle") == 1);
}

TEST_CASE("10: a byte on an idle connection discards it and reaches nobody") {
  Gate speak;
  ScriptedOrigin origin([&](OriginConnection& connection) {
    connection.must_read_request();
    connection.send(ok("done"));
    if (connection.index() == 0) {
      speak.wait();
      connection.send(ok("poison"));
    }
    connection.wait_end();
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  REQUIRE(proxy.get().body == "done");
  REQUIRE(wait_idle(proxy, origin, 1));
  speak.open();
  REQUIRE(wait_idle(proxy, origin, 0));
  CHECK(proxy.get().body == "done");
  CHECK(origin.accepts() == 2);
}

TEST_CASE("11: surplus bytes after a response end the connection and reach nobody") {
  ScriptedOrigin origin([](OriginConnection& connection) {
    connection.must_read_request();
    connection.send(ok("done") + ok("poison"));
    connection.read_rest();
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  Client client = proxy.connect();
  for (int i = 0; i < 3; ++i) {
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(client.read_response().body == "done");
  }
  CHECK(origin.accepts() == 3);
  CHECK(origin.requests() == 3);
}

TEST_CASE("a body behind a response to HEAD is surplus") {
  ScriptedOrigin origin([](OriginConnection& connection) {
    connection.must_read_request();
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
    connection.read_rest();
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  Client client = proxy.connect();
  for (int i = 0; i < 2; ++i) {
    client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(client.read_response("HEAD").status == 200);
  }
  CHECK(origin.accepts() == 2);
}

TEST_CASE("without reuse every request has a connection of its own") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}, .pool = "reuse = false"});
  for (int i = 0; i < 5; ++i) CHECK(proxy.get().status == 200);
  CHECK(origin.accepts() == 5);
  CHECK(connections(proxy, origin, "opened_total") == 5);
  CHECK(connections(proxy, origin, "reused_total") == 0);
  CHECK(opened(proxy, origin, "reuse_off") == 5);
  CHECK(eventually([&] { return origin.open() == 0; }));
}

}  // namespace
}  // namespace onehop::test
