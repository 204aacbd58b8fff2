// SPDX-License-Identifier: MIT
// What is tried again, and what never is (edge cases 1 to 7, 13): a request on a reused connection
// that failed before any byte of a response, once, on a fresh one; and a connect that failed, on
// another endpoint.
#include "tests/support/catch.h"
#include "tests/support/expect.h"
#include "tests/support/gate.h"
#include "tests/support/proxy_process.h"
#include "tests/support/scripted_origin.h"

namespace onehop::test {
namespace {

enum class Break { close, reset };

// Serves one request per connection properly, and breaks the connection when a second one has come
// (a part of it is enough). Connections from `sound` on are kept and answer everything.
ScriptedOrigin::Script breaking_on_reuse(Break how, int sound) {
  return [how, sound](OriginConnection& connection) {
    connection.must_read_request();
    connection.send(ok("done"));
    while (const std::optional<Request> request = connection.read_request()) {
      if (connection.index() < sound) {
        how == Break::reset ? connection.reset() : connection.close();
        return;
      }
      connection.send(ok("done"));
    }
  };
}

int64_t endpoint_number(const ProxyProcess& proxy, const ScriptedOrigin& origin,
                        const std::string& path) {
  return proxy.stats().number_or_zero(ProxyProcess::endpoint(origin.address(), path));
}

TEST_CASE("1: a GET that meets a closing reused connection is sent again once on a fresh one") {
  const Break how = GENERATE(Break::close, Break::reset);
  CAPTURE(static_cast<int>(how));
  ScriptedOrigin origin(breaking_on_reuse(how, 1));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  REQUIRE(proxy.get("/first").body == "done");
  CHECK(proxy.get("/second").body == "done");
  CHECK(origin.accepts() == 2);
  CHECK(origin.requests() == 3);
  CHECK(endpoint_number(proxy, origin, "connections/opened_by_reason/retry") == 1);
  CHECK(endpoint_number(proxy, origin, "requests/retries_total") == 1);
}

TEST_CASE("2: a POST that meets a closing reused connection is not sent again") {
  const Break how = GENERATE(Break::close, Break::reset);
  CAPTURE(static_cast<int>(how));
  ScriptedOrigin origin(breaking_on_reuse(how, 1));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  REQUIRE(proxy.get("/first").body == "done");
  const Response response =
      proxy.exchange("POST /second HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
  CHECK(response.status == 502);
  CHECK_THAT(fault_of_local_reply(response), Catch::Matchers::Equals(""));
  CHECK(origin.accepts() == 1);
  CHECK(origin.requests() == 2);
  CHECK(endpoint_number(proxy, origin, "requests/retries_total") == 0);
}

TEST_CASE("the idempotent methods are sent again, the others are not") {
  struct Row {
    std::string method;
    int status;
  };
  const Row row = GENERATE(Row{"HEAD", 200}, Row{"OPTIONS", 200}, Row{"DELETE", 200},
                           Row{"PATCH", 502}, Row{"QUERY", 200}, Row{"PROPFIND", 200},
                           Row{"REPORT", 200}, Row{"VERSION-CONTROL", 200}, Row{"LOCK", 502},
                           Row{"LIST", 502}, Row{"query", 502}, Row{"RDG_IN_DATA", 502});
  CAPTURE(row.method);
  ScriptedOrigin origin(breaking_on_reuse(Break::close, 1));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  REQUIRE(proxy.get("/first").body == "done");
  const Response response =
      proxy.exchange(row.method + " / HTTP/1.1\r\nHost: a\r\n\r\n", row.method);
  CHECK(response.status == row.status);
}

TEST_CASE("6: a request that was sent again is not sent a third time") {
  ScriptedOrigin origin([](OriginConnection& connection) {
    connection.must_read_request();
    if (connection.index() != 0) return;  // every fresh connection is closed without an answer
    connection.send(ok("done"));
    connection.read_request();
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  REQUIRE(proxy.get("/first").body == "done");
  const Response response = proxy.get("/second");
  CHECK(response.status == 502);
  CHECK_THAT(fault_of_local_reply(response), Catch::Matchers::Equals(""));
  CHECK(origin.accepts() == 2);
}

TEST_CASE("a request on a fresh connection that ends without an answer is not sent again") {
  ScriptedOrigin origin([](OriginConnection& connection) { connection.must_read_request(); });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  const Response response = proxy.get();
  CHECK(response.status == 502);
  CHECK_THAT(fault_of_local_reply(response), Catch::Matchers::Equals(""));
  CHECK(origin.requests() == 1);
}

TEST_CASE("with retries = 0 nothing is sent again") {
  ScriptedOrigin origin(breaking_on_reuse(Break::close, 1));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}, .upstream = "retries = 0"});
  REQUIRE(proxy.get("/first").body == "done");
  CHECK(proxy.get("/second").status == 502);
  CHECK(origin.accepts() == 1);
}

TEST_CASE("nothing is sent again after the first byte of a response") {
  ScriptedOrigin origin([](OriginConnection& connection) {
    connection.must_read_request();
    connection.send(ok("done"));
    if (connection.read_request()) connection.send("H");
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  REQUIRE(proxy.get("/first").body == "done");
  CHECK(proxy.get("/second").status == 502);
  CHECK(origin.accepts() == 1);
}

TEST_CASE("5: the retry does not take another idle connection of the same age") {
  // Two connections are idle when the app restarts: both are dead, and only a fresh one is alive.
  Gate both;
  std::atomic<int> waiting = 0;
  ScriptedOrigin origin([&](OriginConnection& connection) {
    connection.must_read_request();
    if (connection.index() < 2) {
      if (++waiting == 2) both.open();
      both.wait();
    }
    connection.send(ok("done"));
    connection.read_request();
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  Client one = proxy.connect();
  Client two = proxy.connect();
  one.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  two.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(one.read_response().body == "done");
  CHECK(two.read_response().body == "done");
  REQUIRE(proxy.wait_number(ProxyProcess::endpoint(origin.address(), "connections/idle"), 2) == 2);
  CHECK(proxy.get("/third").body == "done");
  CHECK(origin.accepts() == 3);
}

TEST_CASE("a refused connect goes to another endpoint, whatever the method and the body") {
  const std::string refusing = unused_address();
  ScriptedOrigin origin(ScriptedOrigin::answering([](const Request& r) { return ok(r.body); }));
  ProxyProcess proxy(ProxyConfig{.endpoints = {refusing, origin.address()}});
  for (int i = 0; i < 4; ++i) {
    const Response by_length =
        proxy.exchange("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
    CHECK(by_length.status == 200);
    CHECK(by_length.body == "hello");
    const Response in_chunks =
        proxy.exchange("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" +
                       chunked("hello again"));
    CHECK(in_chunks.body == "hello again");
  }
  CHECK(origin.requests() == 8);
}

TEST_CASE("when no endpoint can be connected to, the answer is an error of the proxy") {
  ProxyProcess proxy(ProxyConfig{.endpoints = {unused_address(), unused_address()}});
  const Response response = proxy.get();
  CHECK((response.status == 502 || response.status == 503));
  CHECK_THAT(fault_of_local_reply(response), Catch::Matchers::Equals(""));
  CHECK(proxy.get().status == response.status);
}

TEST_CASE("7: a body that was already being sent is not sent again") {
  ScriptedOrigin origin([](OriginConnection& connection) {
    connection.must_read_request();
    connection.send(ok("done"));
    if (connection.read_request_head()) {
      connection.read_exact(1);  // some of the body is consumed for good
      connection.reset();
    }
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  REQUIRE(proxy.get("/first").body == "done");
  Client client = proxy.connect();
  client.send("PUT /second HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n" +
              std::string(1000, 'x'));
  const Response response = client.final_response();
  CHECK(response.status == 502);
  CHECK(origin.accepts() == 1);
}

}  // namespace
}  // namespace onehop::test
