// SPDX-License-Identifier: MIT
// The proxy's counts against what clients and origins counted themselves.
#include <map>

#include "tests/support/catch.h"
#include "tests/support/gate.h"
#include "tests/support/proxy_process.h"
#include "tests/support/scripted_origin.h"

namespace onehop::test {
namespace {

// Answers by the target: a status, a close, a 1xx first.
void answer_by_target(OriginConnection& connection) {
  while (const std::optional<Request> request = connection.read_request()) {
    if (request->target == "/drop") return;
    if (request->target == "/hints") connection.send("HTTP/1.1 103 Early Hints\r\n\r\n");
    const bool close = request->target == "/close";
    if (request->target.starts_with("/status/")) {
      connection.send("HTTP/1.1 " + request->target.substr(8) +
                      " X\r\nContent-Length: 2\r\n\r\nxx");
    } else {
      connection.send(ok("done", close ? "Connection: close\r\n" : ""));
    }
    if (close) return;
  }
}

TEST_CASE(
    "after a mixed run the counts of the endpoints are what the origins and the clients counted") {
  ScriptedOrigin a(answer_by_target);
  ScriptedOrigin b(answer_by_target);
  const std::string workers = GENERATE("workers = 1", "workers = 2");
  CAPTURE(workers);
  ProxyProcess proxy(ProxyConfig{.endpoints = {a.address(), b.address()}, .server = workers});
  const std::vector<std::string> targets = {
      "/",      "/hints", "/status/404",  "/status/500", "/status/301",
      "/close", "/",      "/status/204x", "/status/201", "/status/503",
      "/"};
  std::map<int, int64_t> classes;
  int64_t sent = 0;
  int64_t connections = 0;
  for (int round = 0; round < 6; ++round) {
    Client client = proxy.connect();
    ++connections;
    for (const std::string& target : targets) {
      if (target == "/status/204x") continue;
      client.send("GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n");
      ++classes[client.final_response().status / 100];
      ++sent;
    }
    client.send("POST /drop HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
    const Response dropped = client.final_response();
    CHECK(dropped.status == 502);
    ++classes[5];
    ++sent;
  }
  REQUIRE(proxy.wait_number("downstream/requests/total", sent) == sent);
  REQUIRE(proxy.wait_number("downstream/requests/in_flight", 0) == 0);
  const Stats stats = proxy.stats();
  CAPTURE(stats.text());
  CHECK(stats.number("downstream/connections/accepted_total") == connections);
  CHECK(stats.number("downstream/connections/open") == 0);
  for (const int hundred : {2, 3, 4, 5}) {
    const std::string name = std::to_string(hundred) + "xx";
    CHECK(stats.number("downstream/requests/by_class/" + name) == classes[hundred]);
  }
  int64_t requests = 0;
  for (const ScriptedOrigin* origin : {&a, &b}) {
    const auto number = [&](const std::string& rest) {
      return stats.number(ProxyProcess::endpoint(origin->address(), rest));
    };
    CHECK(number("connections/opened_total") == origin->accepts());
    CHECK(number("connections/opened_total") + number("connections/reused_total") ==
          origin->requests());
    CHECK(number("requests/total") == origin->requests());
    CHECK(number("requests/in_flight") == 0);
    CHECK(number("phases/total/count") == number("requests/total"));
    int64_t by_reason = 0;
    for (const std::string& reason :
         stats.keys(ProxyProcess::endpoint(origin->address(), "connections/opened_by_reason"))) {
      by_reason += number("connections/opened_by_reason/" + reason);
    }
    CHECK(by_reason == number("connections/opened_total"));
    int64_t closed = 0;
    for (const std::string& who :
         stats.keys(ProxyProcess::endpoint(origin->address(), "connections/closed_by"))) {
      closed += number("connections/closed_by/" + who);
    }
    CHECK(closed + number("connections/open") == number("connections/opened_total"));
    requests += number("requests/total");
  }
  CHECK(requests == sent);
  int64_t outcomes = 0;
  for (const std::string& outcome : stats.keys("downstream/requests/outcomes")) {
    outcomes += stats.number("downstream/requests/outcomes/" + outcome);
  }
  CHECK(outcomes == sent);
}

TEST_CASE("a response that a client has read is counted when it asks") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}, .server = "workers = 2"});
  Client client = proxy.connect();
  for (int i = 1; i <= 200; ++i) {
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    REQUIRE(client.read_response().status == 200);
    const Stats stats = proxy.stats();
    REQUIRE(stats.number("downstream/requests/total") == i);
    REQUIRE(stats.number("downstream/requests/in_flight") == 0);
    REQUIRE(stats.number(ProxyProcess::endpoint(origin.address(), "phases/total/count")) == i);
  }
}

TEST_CASE("every attempt has an outcome, and those with a connection are requests") {
  // The second request on a connection is read and not answered: it is sent again on a fresh one.
  ScriptedOrigin origin([](OriginConnection& connection) {
    connection.must_read_request();
    connection.send(ok("done"));
    connection.read_request();
  });
  const std::string dead = unused_address();
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address(), dead}});
  Client client = proxy.connect();
  for (int i = 0; i < 4; ++i) {
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(client.read_response().status == 200);
  }
  REQUIRE(proxy.wait_number("downstream/requests/total", 4) == 4);
  const Stats stats = proxy.stats();
  CAPTURE(stats.text());
  const auto number = [&](const std::string& address, const std::string& rest) {
    return stats.number(ProxyProcess::endpoint(address, rest));
  };
  CHECK(number(origin.address(), "requests/total") == origin.requests());
  CHECK(number(origin.address(), "requests/by_class/none") == origin.requests() - 4);
  CHECK(number(origin.address(), "requests/outcomes/ok") == 4);
  CHECK(number(dead, "requests/total") == 0);
  // Twice it had its turn, and once it was another endpoint than the one that had not answered.
  CHECK(number(dead, "requests/outcomes/connect_refused") == 3);
  CHECK(number(dead, "connections/connect_failures_total") == 3);
}

TEST_CASE("bytes are counted in both directions") {
  const std::string body = noise(100'000);
  ScriptedOrigin origin(
      ScriptedOrigin::answering([&](const Request& r) { return ok(r.body + r.body); }));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  const std::string request =
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
      body;
  const Response response = proxy.exchange(request);
  CHECK(response.body == body + body);
  const int64_t received = static_cast<int64_t>(request.size());
  CHECK(proxy.wait_number("downstream/bytes/received_total", received) == received);
  const int64_t sent = static_cast<int64_t>(response.head.size() + response.body.size());
  CHECK(proxy.wait_number("downstream/bytes/sent_total", sent) == sent);
  const Stats stats = proxy.stats();
  CHECK(stats.number(ProxyProcess::endpoint(origin.address(), "bytes/received_total")) >= 200'000);
  CHECK(stats.number(ProxyProcess::endpoint(origin.address(), "bytes/sent_total")) ==
        static_cast<int64_t>(origin.last().head.size() + body.size()));
}

TEST_CASE("a request in flight is counted as such on both hops") {
  Gate gate;
  ScriptedOrigin origin(ScriptedOrigin::once_open(gate, ok("done")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  Client client = proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  REQUIRE(eventually([&] { return origin.requests() == 1; }));
  const std::string at = ProxyProcess::endpoint(origin.address(), "requests/in_flight");
  CHECK(proxy.wait_number(at, 1) == 1);
  CHECK(proxy.wait_number("downstream/requests/in_flight", 1) == 1);
  gate.open();
  CHECK(client.read_response().status == 200);
  CHECK(proxy.wait_number(at, 0) == 0);
  CHECK(proxy.wait_number("downstream/requests/in_flight", 0) == 0);
  CHECK(proxy.wait_number("downstream/connections/open", 1) == 1);
}

TEST_CASE("a rejected request is counted as a client error of no endpoint") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  CHECK(proxy.exchange("GET / HTTP/1.1\nHost: a\n\n").status == 400);
  CHECK(proxy.wait_number("downstream/requests/by_class/4xx", 1) == 1);
  CHECK(proxy.stats().number(ProxyProcess::endpoint(origin.address(), "requests/total")) == 0);
}

}  // namespace
}  // namespace onehop::test
