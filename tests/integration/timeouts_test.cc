// SPDX-License-Identifier: MIT
// Every deadline, each made short by configuration, and what each side gets to see of it.
#include <set>

#include "tests/support/catch.h"
#include "tests/support/certificates.h"
#include "tests/support/expect.h"
#include "tests/support/full_listener.h"
#include "tests/support/gate.h"
#include "tests/support/proxy_process.h"
#include "tests/support/scripted_origin.h"

namespace onehop::test {
namespace {

constexpr char kGet[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

// Sends one byte again and again, about 50 a second, until the proxy says or does something. False
// when it never does.
bool trickle(Client& client) {
  const Deadline deadline;
  while (!deadline.passed()) {
    if (!client.try_send("a")) return true;
    if (!client.quiet_for(milliseconds(20))) return true;
  }
  return false;
}

void never_answer(OriginConnection& connection) {
  connection.must_read_request();
  connection.wait_end();
}

// The outcomes counted so far on the client side.
std::set<std::string> outcomes(const ProxyProcess& proxy) {
  const std::vector<std::string> names = proxy.stats().keys("downstream/requests/outcomes");
  return {names.begin(), names.end()};
}

TEST_CASE("67: a request head that trickles in is answered 408 when its time is up") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(
      ProxyConfig{.endpoints = {origin.address()}, .timeouts = "request_head = \"200ms\""});
  Client client = proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\nX-A: ");
  REQUIRE(trickle(client));
  const Response response = client.read_response();
  CHECK(response.status == 408);
  CHECK_THAT(fault_of_local_reply(response), Catch::Matchers::Equals(""));
  CHECK(response.fields.has_token("Connection", "close"));
  CHECK(client.wait_end() == End::closed);
  CHECK(origin.requests() == 0);
}

TEST_CASE("67: a request head that trickles in on a connection already used is cut off too") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(
      ProxyConfig{.endpoints = {origin.address()}, .timeouts = "request_head = \"200ms\""});
  Client client = proxy.connect();
  client.send(kGet);
  REQUIRE(client.read_response().status == 200);
  client.send("GET /");
  REQUIRE(trickle(client));
  CHECK(client.read_response().status == 408);
}

TEST_CASE("a connection on which nothing ever comes is closed") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()},
                                 .timeouts = "request_head = \"100ms\"\nidle = \"100ms\""});
  Client client = proxy.connect();
  const Rest rest = client.read_rest();
  CHECK(rest.end == End::closed);
  CHECK((rest.bytes.empty() || rest.bytes.starts_with("HTTP/1.1 408 ")));
  CHECK(proxy.wait_number("downstream/connections/idle_timeouts_total", 1) == 1);
}

TEST_CASE("67: a request body slower than the minimum rate is answered 408") {
  ScriptedOrigin origin([](OriginConnection& connection) {
    connection.read_request_head();
    connection.read_rest();  // the proxy gives the request up
  });
  ProxyProcess proxy(
      ProxyConfig{.endpoints = {origin.address()},
                  .timeouts = "request_body = \"200ms\"\nrequest_body_min_rate = 10000"});
  Client client = proxy.connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
  REQUIRE(trickle(client));
  const Response response = client.read_response();
  CHECK(response.status == 408);
  CHECK_THAT(fault_of_local_reply(response), Catch::Matchers::Equals(""));
  CHECK(client.wait_end() == End::closed);
  CHECK(eventually([&] { return origin.open() == 0; }));
}

TEST_CASE("a request body that is slow but above the minimum rate arrives") {
  ScriptedOrigin origin(ScriptedOrigin::answering(
      [](const Request& request) { return ok(std::to_string(request.body.size())); }));
  ProxyProcess proxy(
      ProxyConfig{.endpoints = {origin.address()},
                  .timeouts = "request_body = \"200ms\"\nrequest_body_min_rate = 1000"});
  Client client = proxy.connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\n");
  for (int i = 0; i < 20; ++i) {
    client.send(std::string(1000, 'x'));
    REQUIRE((i == 19 || client.quiet_for(milliseconds(25))));
  }
  CHECK(client.read_response().body == "20000");
}

TEST_CASE("67: an idle client connection is closed without an answer") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}, .timeouts = "idle = \"100ms\""});
  Client client = proxy.connect();
  client.send(kGet);
  REQUIRE(client.read_response().status == 200);
  CHECK(client.wait_end() == End::closed);
  CHECK(proxy.wait_number("downstream/connections/idle_timeouts_total", 1) == 1);
}

TEST_CASE("an upstream that does not accept in time is given up") {
  const FullListener full;
  {
    ProxyProcess proxy(
        ProxyConfig{.endpoints = {full.address}, .upstream_timeouts = "connect = \"100ms\""});
    const Response response = proxy.get();
    CHECK((response.status == 504 || response.status == 503 || response.status == 502));
    CHECK_THAT(fault_of_local_reply(response), Catch::Matchers::Equals(""));
    CHECK(error_token(response).find("timeout") != std::string::npos);
  }
  {
    ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
    ProxyProcess proxy(ProxyConfig{.endpoints = {full.address, origin.address()},
                                   .upstream_timeouts = "connect = \"100ms\""});
    CHECK(proxy.get().status == 200);
    CHECK(proxy.get().status == 200);
  }
}

TEST_CASE("what was waited for an endpoint that does not accept is found there, not at the next") {
  const FullListener full;
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {full.address, origin.address()},
                                 .upstream_timeouts = "connect = \"200ms\""});
  CHECK(proxy.get().body == "done");
  REQUIRE(proxy.wait_number("downstream/requests/total", 1) == 1);
  const Stats stats = proxy.stats();
  CAPTURE(stats.text());
  const auto max_us = [&](const std::string& address, const std::string& phase) {
    return stats.number(ProxyProcess::endpoint(address, "phases/" + phase + "/max_us"));
  };
  CHECK(max_us(full.address, "connect") >= 150'000);
  CHECK(max_us(full.address, "total") >= 150'000);
  CHECK(max_us(origin.address(), "connect") < 150'000);
  CHECK(eventually([&] { return proxy.errors().find("cannot be reached") != std::string::npos; }));
}

TEST_CASE("an upstream that does not answer in time makes a 504") {
  ScriptedOrigin origin(never_answer);
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()},
                                 .upstream_timeouts = "response_head = \"100ms\""});
  const Response response = proxy.get();
  CHECK(response.status == 504);
  CHECK_THAT(fault_of_local_reply(response), Catch::Matchers::Equals(""));
  CHECK(eventually([&] { return origin.open() == 0; }));  // its connection is closed, not pooled
  CHECK(origin.requests() == 1);                          // and nothing was sent again
  CHECK(eventually(
      [&] { return outcomes(proxy) == std::set<std::string>{"response_head_timeout"}; }));
}

TEST_CASE("interim responses do not stretch the time for the response head for ever") {
  ScriptedOrigin origin([](OriginConnection& connection) {
    connection.must_read_request();
    while (connection.try_send("HTTP/1.1 102 Processing\r\n\r\n") &&
           connection.quiet_for(milliseconds(20))) {
    }
  });
  ProxyProcess proxy(
      ProxyConfig{.endpoints = {origin.address()},
                  .upstream_timeouts = "response_head = \"200ms\"\nrequest = \"400ms\""});
  CHECK(proxy.get().status == 504);
}

TEST_CASE("a response body that stops is cut off so that the client can tell") {
  const bool in_chunks = GENERATE(false, true);
  CAPTURE(in_chunks);
  ScriptedOrigin origin([&](OriginConnection& connection) {
    connection.must_read_request();
    connection.send(in_chunks
                        ? "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
                        : "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
    connection.wait_end();
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()},
                                 .upstream_timeouts = "response_idle = \"100ms\""});
  Client client = proxy.connect();
  client.send(kGet);
  const Response response = client.read_response();
  CHECK(response.status == 200);
  CHECK_FALSE(response.complete);
  CHECK(response.body == "hello");
}

TEST_CASE("the time for a whole request ends one without an answer with 504") {
  ScriptedOrigin origin(never_answer);
  ProxyProcess proxy(
      ProxyConfig{.endpoints = {origin.address()}, .upstream_timeouts = "request = \"100ms\""});
  const Response response = proxy.get();
  CHECK(response.status == 504);
  CHECK_THAT(fault_of_local_reply(response), Catch::Matchers::Equals(""));
}

TEST_CASE("the time for a whole request cuts off a response that goes on and on") {
  ScriptedOrigin origin([](OriginConnection& connection) {
    connection.must_read_request();
    connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    while (connection.try_send("1\r\nx\r\n") && connection.quiet_for(milliseconds(10))) {
    }
  });
  ProxyProcess proxy(
      ProxyConfig{.endpoints = {origin.address()}, .upstream_timeouts = "request = \"200ms\""});
  Client client = proxy.connect();
  client.send(kGet);
  const Response response = client.read_response();
  CHECK(response.status == 200);
  CHECK_FALSE(response.complete);
  CHECK(response.body.starts_with("xx"));
}

TEST_CASE("68: a client that takes nothing of its response is cut off") {
  const std::string body = noise(32 << 20);
  ScriptedOrigin origin([&](OriginConnection& connection) {
    connection.must_read_request();
    connection.try_send(ok(body));
  });
  ProxyProcess proxy(
      ProxyConfig{.endpoints = {origin.address()}, .timeouts = "write_stall = \"200ms\""});
  Client client = Peer::connect(proxy.address(), 65536);
  client.send(kGet);
  REQUIRE(eventually([&] { return origin.accepts() == 1 && origin.open() == 0; }));
  CHECK(proxy.wait_number("downstream/requests/in_flight", 0) == 0);
}

TEST_CASE("a tunnel without a byte in either direction is closed") {
  ScriptedOrigin origin([](OriginConnection& connection) {
    connection.must_read_request();
    connection.send(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
    connection.send(connection.read_exact(5));
    connection.read_rest();
  });
  ProxyProcess proxy(
      ProxyConfig{.endpoints = {origin.address()}, .upstream_timeouts = "tunnel_idle = \"200ms\""});
  Client client = proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
  CHECK(client.read_response().status == 101);
  client.send("hello");
  CHECK(client.read_exact(5) == "hello");
  client.wait_end();
  CHECK(eventually([&] { return origin.open() == 0; }));
}

TEST_CASE("each timeout is told apart by its outcome") {
  ScriptedOrigin origin([](OriginConnection& connection) {
    const std::optional<Request> request = connection.read_request_head();
    if (!request) return;
    if (request->target == "/body")
      connection.try_send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello");
    connection.read_rest();
  });
  ProxyProcess proxy(ProxyConfig{
      .endpoints = {origin.address()},
      .timeouts =
          "request_head = \"60ms\"\nrequest_body = \"60ms\"\nrequest_body_min_rate = 1000000",
      .upstream_timeouts = "response_head = \"60ms\"\nresponse_idle = \"60ms\""});
  CHECK(proxy.exchange("GET / HTTP/1.1\r\nHost").status == 408);
  CHECK(proxy.exchange("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx").status == 408);
  CHECK(proxy.get("/head").status == 504);
  CHECK_FALSE(proxy.get("/body").complete);
  const std::set<std::string> expected = {"request_head_timeout", "request_body_timeout",
                                          "response_head_timeout", "response_idle_timeout"};
  CHECK(eventually([&] { return outcomes(proxy) == expected; }));
  CHECK(outcomes(proxy) == expected);
}

// The deadline of the connect is over long before: it is not that of the handshake.
TEST_CASE("an endpoint that accepts and never shakes hands is given up after handshake_timeout") {
  Certificates made;
  ScriptedOrigin origin([](OriginConnection& connection) { connection.read_rest(); });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()},
                                 .upstream_timeouts = "connect = \"20ms\"",
                                 .more = "[upstream.app.tls]\nca = \"" + made.authority() +
                                         "\"\nhandshake_timeout = \"300ms\"\n"});
  Client client = proxy.connect();
  client.send(kGet);
  const Response response = client.read_response();
  CHECK(response.status == 504);
  CHECK(error_token(response) == "connection_timeout");
  const auto number = [&](const std::string& path) {
    return proxy.stats().number(ProxyProcess::endpoint(origin.address(), path));
  };
  CHECK(number("tls/handshakes/failures_by_reason/timeout") == 1);
  CHECK(number("tls/handshakes/in_progress") == 0);
  const std::string said = "upstream app: no TLS with " + origin.address() +
                           ": The handshake took longer than handshake_timeout (timeout)";
  CHECK(eventually([&] { return proxy.errors().find(said) != std::string::npos; }));
}

}  // namespace
}  // namespace onehop::test
