// SPDX-License-Identifier: MIT
// How a response is framed on the way to the client: by what the client's version and method allow.
#include "tests/support/catch.h"
#include "tests/support/expect.h"
#include "tests/support/gate.h"
#include "tests/support/proxy_process.h"
#include "tests/support/scripted_origin.h"

namespace onehop::test {
namespace {

constexpr char kChunkedHead[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

ProxyConfig to(const ScriptedOrigin& origin) {
  return {.endpoints = {origin.address()}};
}

TEST_CASE("a chunked response arrives chunked anew, without its extensions") {
  ScriptedOrigin origin(ScriptedOrigin::always(std::string(kChunkedHead) +
                                               "5;x=y\r\nhello\r\n006\r\n world\r\n00\r\n\r\n"));
  ProxyProcess proxy(to(origin));
  const Response response = proxy.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(response.chunked);
  CHECK(response.fields.all("Transfer-Encoding") == std::vector<std::string>{"chunked"});
  CHECK_FALSE(response.fields.has("Content-Length"));
  CHECK(response.body == "hello world");
  CHECK(response.trailers.size() == 0);
}

TEST_CASE("an HTTP/1.0 client gets a chunked response without chunks, ended by the close") {
  ScriptedOrigin origin(ScriptedOrigin::always(kChunkedHead + chunked("hello world")));
  ProxyProcess proxy(to(origin));
  const std::string fields = GENERATE("", "Connection: keep-alive\r\n");
  const Response response = proxy.exchange("GET / HTTP/1.0\r\nHost: a\r\n" + fields + "\r\n");
  CHECK(response.status == 200);
  CHECK_FALSE(response.fields.has("Transfer-Encoding"));
  CHECK_FALSE(response.fields.has_token("Connection", "keep-alive"));
  CHECK(response.closed);
  CHECK(response.complete);
  CHECK(response.body == "hello world");
}

TEST_CASE("a response that ends with its connection reaches an HTTP/1.1 client as a whole") {
  ScriptedOrigin origin([](OriginConnection& connection) {
    connection.must_read_request();
    connection.send("HTTP/1.1 200 OK\r\nX-A: b\r\n\r\nhello ");
    connection.send("world");
  });
  ProxyProcess proxy(to(origin));
  Client client = proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  const Response response = client.read_response();
  CHECK(response.body == "hello world");
  CHECK(response.complete);
  CHECK((response.chunked || response.fields.has_token("Connection", "close")));
}

TEST_CASE("a response to HEAD has the fields and no body, and the connection goes on") {
  const std::string framing =
      GENERATE("Content-Length: 123456\r\n", "Transfer-Encoding: chunked\r\n", "");
  CAPTURE(framing);
  ScriptedOrigin origin(ScriptedOrigin::answering([&](const Request& request) {
    return request.method == "HEAD" ? "HTTP/1.1 200 OK\r\nX-A: b\r\n" + framing + "\r\n"
                                    : ok("next");
  }));
  ProxyProcess proxy(to(origin));
  Client client = proxy.connect();
  client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
  const Response head = client.read_response("HEAD");
  CHECK(head.field("X-A") == "b");
  if (framing.starts_with("Content-Length")) CHECK(head.field("Content-Length") == "123456");
  CHECK(client.read_response().body == "next");
}

TEST_CASE("204 and 304 have no body, and the connection goes on") {
  struct Row {
    std::string head;
    int status;
  };
  const Row row = GENERATE(Row{"HTTP/1.1 204 No Content\r\n\r\n", 204},
                           Row{"HTTP/1.1 304 Not Modified\r\nETag: \"1\"\r\n\r\n", 304},
                           Row{"HTTP/1.1 304 Not Modified\r\nContent-Length: 123456\r\n\r\n", 304});
  CAPTURE(row.head);
  ScriptedOrigin origin(ScriptedOrigin::answering(
      [&](const Request& request) { return request.target == "/empty" ? row.head : ok("next"); }));
  ProxyProcess proxy(to(origin));
  Client client = proxy.connect();
  client.send("GET /empty HTTP/1.1\r\nHost: a\r\n\r\nGET /next HTTP/1.1\r\nHost: a\r\n\r\n");
  const Response response = client.read_response();
  CHECK(response.status == row.status);
  CHECK_FALSE(response.fields.has("Transfer-Encoding"));
  if (row.status == 204) CHECK_FALSE(response.fields.has("Content-Length"));
  CHECK(client.read_response().body == "next");
  CHECK(origin.accepts() == 1);
}

TEST_CASE("trailers of a response reach only a client that said TE: trailers") {
  ScriptedOrigin origin(ScriptedOrigin::always(
      std::string(kChunkedHead) + "5\r\nhello\r\n0\r\nX-Sum: 1\r\nContent-Length: 9\r\n\r\n"));
  ProxyProcess proxy(to(origin));
  const Response with =
      proxy.exchange("GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE\r\n\r\n");
  CHECK(with.body == "hello");
  CHECK(with.trailers.get("X-Sum") == "1");
  CHECK_FALSE(with.trailers.has("Content-Length"));
  const Response without = proxy.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(without.body == "hello");
  CHECK(without.complete);
  CHECK(without.trailers.size() == 0);
}

TEST_CASE("interim responses are forwarded in order, known or not") {
  ScriptedOrigin origin(ScriptedOrigin::always(
      "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"
      "HTTP/1.1 103 Early Hints\r\nLink: </b>\r\n\r\nHTTP/1.1 142 Strange\r\nX-A: b\r\n\r\n" +
      ok("final")));
  ProxyProcess proxy(to(origin));
  Client client = proxy.connect();
  for (int round = 0; round < 2; ++round) {
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    const Response first = client.read_response();
    CHECK(first.status == 103);
    CHECK(first.field("Link") == "</a>");
    CHECK(client.read_response().status == 102);
    CHECK(client.read_response().field("Link") == "</b>");
    CHECK(client.read_response().status == 142);
    CHECK(client.read_response().body == "final");
  }
  CHECK(origin.accepts() == 1);
}

TEST_CASE("an HTTP/1.0 client gets no interim response") {
  ScriptedOrigin origin(ScriptedOrigin::always(
      "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + ok("final")));
  ProxyProcess proxy(to(origin));
  Client client = proxy.connect();
  client.send("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
  CHECK(client.read_response().body == "final");
}

TEST_CASE("a large download arrives whole while it is being sent") {
  const std::string body = noise(8 << 20);
  const bool in_chunks = GENERATE(false, true);
  Gate client_has_some;
  ScriptedOrigin origin([&](OriginConnection& connection) {
    connection.must_read_request();
    connection.send(in_chunks ? std::string(kChunkedHead)
                              : "HTTP/1.1 200 OK\r\nContent-Length: " +
                                    std::to_string(body.size()) + "\r\n\r\n");
    const std::string first = body.substr(0, 1000);
    connection.send(in_chunks ? "3e8\r\n" + first + "\r\n" : first);
    client_has_some.wait();
    const std::string_view rest = std::string_view(body).substr(1000);
    connection.send(in_chunks ? chunked(rest, 70'000) : std::string(rest));
    connection.wait_end();
  });
  ProxyProcess proxy(to(origin));
  Client client = proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  const Response head = client.read_response_head();
  std::string got;
  if (in_chunks) {
    CHECK(head.field("Transfer-Encoding") == "chunked");
    while (got.size() < 1000) got += client.read_chunk();
    client_has_some.open();
    for (std::string chunk; !(chunk = client.read_chunk()).empty();) got += chunk;
  } else {
    got = client.read_exact(1000);
    client_has_some.open();
    got += client.read_exact(body.size() - 1000);
  }
  CHECK(got == body);
}

TEST_CASE("the response is forwarded with its reason, status and end-to-end fields") {
  ScriptedOrigin origin(
      ScriptedOrigin::always("HTTP/1.1 299 Quite Fine\r\nContent-Length: 2\r\nETag: "
                             "\"x\"\r\nContent-Type: a/b\r\n\r\nok"));
  ProxyProcess proxy(to(origin));
  const Response response = proxy.get();
  CHECK(response.status == 299);
  CHECK(response.reason == "Quite Fine");
  CHECK(response.field("ETag") == "\"x\"");
  CHECK(response.field("Content-Type") == "a/b");
  CHECK(response.fields.all("Content-Length") == std::vector<std::string>{"2"});
}

}  // namespace
}  // namespace onehop::test
