// SPDX-License-Identifier: MIT
// Faults that an attack on the running program found, each kept as the exchange that showed it. A
// case says in its comment what went wrong before.
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/support/catch.h"
#include "tests/support/expect.h"
#include "tests/support/full_listener.h"
#include "tests/support/gate.h"
#include "tests/support/proxy_process.h"
#include "tests/support/scripted_origin.h"

namespace onehop::test {
namespace {

constexpr char kGet[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

// Does the kernel say that every thread of the process is stopped?
bool is_stopped(pid_t pid) {
  for (const auto& task :
       std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task")) {
    std::ifstream file(task.path() / "stat");
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    if (text.find(") T ") == std::string::npos) return false;
  }
  return true;
}

TEST_CASE("bytes that an origin sent before the request left are no answer to it") {
  // The proxy is stopped while both sides send, so that it finds the request and the surplus
  // response in the same turn, the request first. The surplus was taken for the answer.
  Gate speak;
  Gate spoken;
  ScriptedOrigin origin([&](OriginConnection& connection) {
    connection.must_read_request();
    connection.send(ok("first"));
    if (connection.index() == 0) {
      speak.wait();
      connection.send(ok("poison"));
      spoken.open();
      connection.read_rest();
      return;
    }
    connection.wait_end();
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  Client client = proxy.connect();
  client.send(kGet);
  REQUIRE(client.read_response().body == "first");
  const std::string idle = ProxyProcess::endpoint(origin.address(), "connections/idle");
  REQUIRE(proxy.wait_number(idle, 1) == 1);
  proxy.signal(SIGSTOP);
  const bool stopped = eventually([&] { return is_stopped(proxy.pid()); });
  client.send(kGet);
  speak.open();
  const bool sent = spoken.wait_for(patience());
  proxy.signal(SIGCONT);
  REQUIRE((stopped && sent));
  CHECK(client.read_response().body == "first");
  CHECK(origin.accepts() == 2);
}

TEST_CASE("server.limits.connections is a limit") {
  // At the limit accepting paused, and after each pause one client more was let in.
  Gate gate;
  ScriptedOrigin origin([&](OriginConnection& connection) {
    while (const std::optional<Request> request = connection.read_request()) {
      if (request->target == "/hold") gate.wait();
      if (!connection.try_send(ok("done"))) return;
    }
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}, .limits = "connections = 5"});
  std::vector<Client> clients;
  for (int i = 0; i < 12; ++i) {
    clients.push_back(proxy.connect());
    if (i < 5) clients.back().send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
  }
  REQUIRE(eventually(
      [&] { return proxy.stats().number("downstream/connections/accept_paused_total") == 1; }));
  CHECK(proxy.stats().number("downstream/connections/open") == 5);
  clients[5].send(kGet);  // the first of those who wait in the kernel's queue
  clients[0].reset();
  CHECK(clients[5].read_response().status == 200);
  gate.open();
}

TEST_CASE("a tunnel whose origin is gone does not stay open") {
  // What the client went on to send was taken and dropped for as long as it sent.
  ScriptedOrigin origin([](OriginConnection& connection) {
    connection.must_read_request();
    connection.send(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
    connection.send("hi");
    connection.close();
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  Client client = proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
  CHECK(client.read_response().status == 101);
  CHECK(client.read_exact(2) == "hi");
  CHECK(eventually([&] { return !client.try_send(std::string(1000, 'x')); }));
  CHECK(proxy.wait_number("downstream/requests/in_flight", 0) == 0);
}

TEST_CASE("an empty line behind a request is not answered") {
  // It counted as the beginning of a request, and got a 408 when the time for a head was up.
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(
      ProxyConfig{.endpoints = {origin.address()}, .timeouts = "request_head = \"100ms\""});
  Client client = proxy.connect();
  client.send(std::string(kGet) + "\r\n");
  CHECK(client.read_response().body == "done");
  const Rest rest = client.read_rest();
  CHECK(rest.bytes.empty());
  CHECK(rest.end == End::closed);
}

TEST_CASE("a discarded body does not hold up a drain") {
  // A body that ended while the proxy drained left a connection that was idle until the drain's
  // own end.
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()},
                                 .server = "drain = \"20s\"",
                                 .routes = "[[route]]\npath = \"/x\"\nupstream = \"app\"\n"});
  Client client = proxy.connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n");
  CHECK(client.read_response().status == 404);
  proxy.signal(SIGTERM);
  REQUIRE(eventually([&] {
    try {
      proxy.connect();
      return false;
    } catch (const PeerError&) {
      return true;  // nobody listens any more: the drain has begun
    }
  }));
  client.send(std::string(10, 'x'));
  CHECK(client.wait_end() == End::closed);
  client.close();
  CHECK(proxy.wait_exit() == 0);
}

TEST_CASE("a slow reader that makes progress is not cut off") {
  // Only room in the send buffer counted as progress, and a full one makes none until a third of it
  // is free.
  ScriptedOrigin origin([](OriginConnection& connection) {
    connection.must_read_request();
    connection.try_send(ok(noise(32 << 20)));
    connection.read_rest();
  });
  ProxyProcess proxy(
      ProxyConfig{.endpoints = {origin.address()}, .timeouts = "write_stall = \"600ms\""});
  Client client = Peer::connect(proxy.address(), 16384);
  client.send(kGet);
  CHECK(client.read_response_head().status == 200);
  const Deadline enough(milliseconds(2000));
  bool cut = false;
  while (!cut && !enough.passed()) {
    client.read_exact(4096);
    cut = eventually([&] { return origin.open() == 0; }, Deadline(milliseconds(20)));
  }
  CHECK_FALSE(cut);
  CHECK_FALSE(proxy.stats().has("downstream/requests/outcomes/client_stalled"));
  client.reset();
}

TEST_CASE("a dial that fails lets the queue go on") {
  // The place of a dial that was given up was given to nobody: those behind it waited for the whole
  // of queue_timeout.
  const FullListener full;
  ProxyProcess proxy(ProxyConfig{.endpoints = {full.address},
                                 .pool = "max_connections = 1\nqueue_timeout = \"60s\"",
                                 .upstream_timeouts = "connect = \"200ms\""});
  std::vector<Client> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(proxy.connect());
    clients.back().send(kGet);
  }
  for (Client& client : clients) {
    const Response response = client.read_response();
    CHECK(response.status >= 502);
    CHECK_THAT(fault_of_local_reply(response), Catch::Matchers::Equals(""));
    CHECK(error_token(response) == "connection_timeout");
  }
}

TEST_CASE("Max-Forwards is counted down") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  CHECK(
      proxy.exchange("OPTIONS / HTTP/1.1\r\nHost: a\r\nMax-Forwards: 5\r\n\r\n", "OPTIONS").body ==
      "done");
  CHECK(origin.last().fields.all("Max-Forwards") == std::vector<std::string>{"4"});
}

TEST_CASE("a pipelined request is timed from its own first byte") {
  // It was timed from the first byte of the request before it, whose body came late.
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  Client client = proxy.connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n");
  REQUIRE(client.quiet_for(milliseconds(800)));
  client.send(std::string("ab") + kGet);
  CHECK(client.read_response("POST").body == "done");
  CHECK(client.read_response().body == "done");
  const std::string phase = "phases/request_head_read/";
  const std::string count = ProxyProcess::endpoint(origin.address(), phase + "count");
  REQUIRE(proxy.wait_number(count, 2) == 2);
  const std::string longest = ProxyProcess::endpoint(origin.address(), phase + "max_us");
  CHECK(proxy.stats().number(longest) < 400'000);
}

}  // namespace
}  // namespace onehop::test
