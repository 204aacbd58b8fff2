// SPDX-License-Identifier: MIT
// Expect: 100-continue and responses that come before the request was sent (edge cases 21 to 24).
#include "tests/support/expect.h"
#include "tests/support/catch.h"
#include "tests/support/gate.h"
#include "tests/support/proxy_process.h"
#include "tests/support/scripted_origin.h"

namespace onehop::test {
namespace {

ProxyConfig to(const ScriptedOrigin& origin) {
  return {.endpoints = {origin.address()}};
}

TEST_CASE("a client that waits for 100 gets exactly one, and its body arrives") {
  ScriptedOrigin origin([](OriginConnection& connection) {
    const std::optional<Request> head = connection.read_request_head();
    if (head->fields.has("Expect")) connection.send("HTTP/1.1 100 Continue\r\n\r\n");
    connection.send(ok(connection.read_exact(5)));
    connection.wait_end();
  });
  ProxyProcess proxy(to(origin));
  Client client = proxy.connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 5\r\n\r\n");
  CHECK(client.read_response().status == 100);
  client.send("hello");
  const Response response = client.read_response();
  CHECK(response.status == 200);
  CHECK(response.body == "hello");
}

TEST_CASE("a client that does not wait for 100 is served all the same") {
  ScriptedOrigin origin([](OriginConnection& connection) {
    const std::optional<Request> head = connection.read_request_head();
    if (head->fields.has("Expect")) connection.send("HTTP/1.1 100 Continue\r\n\r\n");
    connection.send(ok(connection.read_exact(5)));
    connection.wait_end();
  });
  ProxyProcess proxy(to(origin));
  const Response response = proxy.exchange(
      "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello");
  CHECK(response.status == 200);
  CHECK(response.body == "hello");
}

TEST_CASE("a refusal instead of 100 reaches the client, and the connection is closed") {
  ScriptedOrigin origin([](OriginConnection& connection) {
    connection.read_request_head();
    connection.try_send("HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno");
    connection.read_rest();
  });
  ProxyProcess proxy(to(origin));
  Client client = proxy.connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  const Response response = client.final_response();
  CHECK(response.status == 401);
  CHECK(response.body == "no");
  CHECK(response.fields.has_token("Connection", "close"));
  client.half_close();
  CHECK(client.wait_end() == End::closed);
}

TEST_CASE("an Expect of an HTTP/1.0 client is ignored") {
  ScriptedOrigin origin(ScriptedOrigin::answering([](const Request& r) { return ok(r.body); }));
  ProxyProcess proxy(to(origin));
  Client client = proxy.connect();
  client.send("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello");
  const Response response = client.read_response();
  CHECK(response.status == 200);
  CHECK(response.body == "hello");
  CHECK_FALSE(origin.last().fields.has("Expect"));
}

TEST_CASE("an error before the end of a large request says that the connection ends") {
  ScriptedOrigin origin([](OriginConnection& connection) {
    connection.read_request_head();
    connection.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
    connection.read_rest();
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  Client client = proxy.connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nhello");
  const Response response = client.read_response();
  CHECK(response.status == 403);
  CHECK(response.fields.has_token("Connection", "close"));
}

TEST_CASE("an early final response reaches a client that is still sending, unharmed by a reset") {
  const bool in_chunks = GENERATE(false, true);
  CAPTURE(in_chunks);
  ScriptedOrigin origin([](OriginConnection& connection) {
    connection.read_request_head();
    connection.try_send("HTTP/1.1 413 Too Large\r\nContent-Length: 7\r\n\r\nstop it");
    connection.read_rest();
  });
  ProxyProcess proxy(to(origin));
  Client client = proxy.connect();
  const std::string piece(10'000, 'x');
  client.send("POST / HTTP/1.1\r\nHost: a\r\n");
  if (in_chunks) {
    client.send("Transfer-Encoding: chunked\r\n\r\n2710\r\n" + piece + "\r\n");
  } else {
    client.send("Content-Length: 100000000\r\n\r\n" + piece);
  }
  // The client reads late: it first sends a good deal more, which must not destroy the response
  // that waits for it.
  for (int i = 0; i < 20; ++i) client.try_send(in_chunks ? "2710\r\n" + piece + "\r\n" : piece);
  const Response response = client.final_response();
  CHECK(response.status == 413);
  CHECK(response.body == "stop it");
  CHECK(response.complete);
}

TEST_CASE(
    "an upstream that answered before the request's end is not used again unless it read the "
    "rest") {
  ScriptedOrigin origin([](OriginConnection& connection) {
    const std::optional<Request> head = connection.read_request_head();
    connection.try_send(ok(head->target));
    const Rest rest = connection.read_rest();
    if (rest.bytes.find("GET /second") != std::string::npos) {
      throw PeerError("a second request came on a connection that was owed a body");
    }
  });
  ProxyProcess proxy(to(origin));
  Client client = proxy.connect();
  client.send("POST /first HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nonly the beginning");
  CHECK(client.final_response().body == "/first");
  CHECK(proxy.get("/second").body == "/second");
  CHECK(origin.accepts() == 2);
}

TEST_CASE("an unknown expectation is refused with 417") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(to(origin));
  const Response response =
      proxy.exchange("POST / HTTP/1.1\r\nHost: a\r\nExpect: magic\r\nContent-Length: 0\r\n\r\n");
  CHECK(response.status == 417);
  CHECK_THAT(fault_of_local_reply(response), Catch::Matchers::Equals(""));
  CHECK(origin.requests() == 0);
}

}  // namespace
}  // namespace onehop::test
