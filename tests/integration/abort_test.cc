// SPDX-License-Identifier: MIT
// One side goes away in the middle: the other one learns of it, and nothing is made up (edge cases
// 17, 32, 70).
#include "tests/support/catch.h"
#include "tests/support/expect.h"
#include "tests/support/gate.h"
#include "tests/support/proxy_process.h"
#include "tests/support/scripted_origin.h"

namespace onehop::test {
namespace {

constexpr char kGet[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

TEST_CASE("70: a client that resets while it waits cancels its upstream request") {
  Gate gone;
  ScriptedOrigin origin([&](OriginConnection& connection) {
    connection.must_read_request();
    connection.wait_end();
    gone.open();
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  Client client = proxy.connect();
  client.send(kGet);
  REQUIRE(eventually([&] { return origin.requests() == 1; }));
  client.reset();
  CHECK(gone.wait_for(patience()));
  CHECK(proxy.wait_number("downstream/requests/in_flight", 0) == 0);
}

TEST_CASE("70: a client that leaves in the middle of a response cancels its upstream request") {
  ScriptedOrigin origin([](OriginConnection& connection) {
    connection.must_read_request();
    connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    while (connection.try_send("5\r\nhello\r\n") && connection.quiet_for(milliseconds(5))) {
    }
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  Client client = proxy.connect();
  client.send(kGet);
  CHECK(client.read_response_head().status == 200);
  client.reset();
  CHECK(eventually([&] { return origin.open() == 0; }));
}

TEST_CASE("70: a client that leaves in the middle of its upload cancels its upstream request") {
  const bool by_reset = GENERATE(false, true);
  CAPTURE(by_reset);
  ScriptedOrigin origin([](OriginConnection& connection) {
    connection.read_request_head();
    connection.read_exact(5);
    const Rest rest = connection.read_rest();
    if (!rest.bytes.empty()) throw PeerError("something was added to a body cut short");
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  Client client = proxy.connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello");
  REQUIRE(eventually([&] { return origin.requests() == 1; }));
  if (by_reset) {
    client.reset();
  } else {
    client.half_close();  // the rest of the body can never come
    const Rest rest = client.read_rest();
    CHECK((rest.bytes.empty() || rest.bytes.starts_with("HTTP/1.1 400 ")));
  }
  CHECK(eventually([&] { return origin.open() == 0; }));
}

TEST_CASE("70: a chunked upload cut short is not completed for the upstream") {
  ScriptedOrigin origin([](OriginConnection& connection) {
    connection.read_request_head();
    const Rest rest = connection.read_rest();
    if (rest.bytes.find("0\r\n\r\n") != std::string::npos)
      throw PeerError("a last chunk was made up");
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  Client client = proxy.connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
  REQUIRE(eventually([&] { return origin.requests() == 1; }));
  client.reset();
  CHECK(eventually([&] { return origin.open() == 0; }));
}

TEST_CASE("a client that leaves does not count as a failure of the endpoint") {
  ScriptedOrigin origin([](OriginConnection& connection) {
    while (const std::optional<Request> request = connection.read_request()) {
      if (request->target == "/wait") {
        connection.wait_end();
        return;
      }
      connection.send(ok("done"));
    }
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  Client client = proxy.connect();
  client.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
  REQUIRE(eventually([&] { return origin.requests() == 1; }));
  client.reset();
  REQUIRE(eventually([&] { return origin.open() == 0; }));
  CHECK(proxy.get().status == 200);
  const Stats stats = proxy.stats();
  CHECK(stats.number_or_zero(ProxyProcess::endpoint(origin.address(), "requests/by_class/5xx")) ==
        0);
}

TEST_CASE("17: an upstream that breaks in its body leaves an incomplete message and nothing more") {
  struct Row {
    std::string name;
    std::string begin;
    std::string body;
  };
  const Row row = GENERATE(
      Row{"length", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello", "hello"},
      Row{"chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "hello"},
      Row{"a chunk cut", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nhello", ""},
      Row{"before the empty line",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n", "hello"});
  const bool by_reset = GENERATE(false, true);
  CAPTURE(row.name, by_reset);
  Gate client_has_it;
  ScriptedOrigin origin([&](OriginConnection& connection) {
    connection.must_read_request();
    connection.send(row.begin);
    client_has_it.wait();
    by_reset ? connection.reset() : connection.close();
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  Client client = proxy.connect();
  client.send(kGet);
  // The head is forwarded at once, so the break comes after the response has begun.
  const Response head = client.read_response_head();
  CHECK(head.status == 200);
  client_has_it.open();
  const Rest rest = client.read_rest();
  CHECK(rest.bytes.find("HTTP/1.1") == std::string::npos);
  CHECK(rest.bytes.find("502") == std::string::npos);
  CHECK(rest.bytes.find("\r\n0\r\n\r\n") == std::string::npos);
  CHECK(rest.bytes.size() < 100);
  if (!row.body.empty() && rest.end == End::closed) {
    CHECK(rest.bytes.find(row.body) != std::string::npos);
  }
}

TEST_CASE(
    "17: a broken close-delimited response to a chunk-reading client has no last chunk after a "
    "reset") {
  Gate client_has_it;
  ScriptedOrigin origin([&](OriginConnection& connection) {
    connection.must_read_request();
    connection.send("HTTP/1.1 200 OK\r\n\r\nhello");
    client_has_it.wait();
    connection.reset();
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  Client client = proxy.connect();
  client.send(kGet);
  const Response head = client.read_response_head();
  client_has_it.open();
  const Rest rest = client.read_rest();
  if (head.fields.has("Transfer-Encoding")) {
    CHECK(rest.bytes.find("0\r\n\r\n") == std::string::npos);
  } else {
    CHECK(rest.end == End::reset);  // the only way to tell that it is not complete
  }
}

TEST_CASE(
    "an upstream that closes before an answer makes a 502, and the client connection goes on") {
  ScriptedOrigin origin([](OriginConnection& connection) {
    const Request request = connection.must_read_request();
    if (request.target == "/ok") connection.send(ok("done"));
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  Client client = proxy.connect();
  client.send("GET /bad HTTP/1.1\r\nHost: a\r\n\r\n");
  const Response bad = client.read_response();
  CHECK(bad.status == 502);
  CHECK_THAT(fault_of_local_reply(bad), Catch::Matchers::Equals(""));
  REQUIRE_FALSE(bad.fields.has_token("Connection", "close"));
  client.send("GET /ok HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(client.read_response().body == "done");
}

TEST_CASE("many clients that leave at every point leave nothing behind") {
  ScriptedOrigin origin([](OriginConnection& connection) {
    while (connection.read_request()) {
      if (!connection.try_send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")) return;
      if (!connection.quiet_for(milliseconds(2))) continue;
      if (!connection.try_send("world")) return;
    }
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  const std::string request = kGet;
  for (size_t cut = 0; cut <= request.size(); ++cut) {
    Client client = proxy.connect();
    client.send(request.substr(0, cut));
    client.wait_until_read();
    cut % 2 == 0 ? client.reset() : client.close();
  }
  CHECK(proxy.wait_number("downstream/requests/in_flight", 0) == 0);
  CHECK(proxy.wait_number("downstream/connections/open", 0) == 0);
  CHECK(proxy.wait_number(ProxyProcess::endpoint(origin.address(), "requests/in_flight"), 0) == 0);
  CHECK(proxy.get().body == "helloworld");
}

}  // namespace
}  // namespace onehop::test
