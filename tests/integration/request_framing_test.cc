// SPDX-License-Identifier: MIT
// How a request's body and connection are framed on the way to the upstream: written anew, whatever
// form they came in.
#include "tests/support/catch.h"
#include "tests/support/expect.h"
#include "tests/support/gate.h"
#include "tests/support/proxy_process.h"
#include "tests/support/scripted_origin.h"

namespace onehop::test {
namespace {

ProxyConfig to(const ScriptedOrigin& origin) {
  return {.endpoints = {origin.address()}};
}

TEST_CASE("a request with Content-Length arrives with the same length and body") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(to(origin));
  const Response response =
      proxy.exchange("POST /form?a=b HTTP/1.1\r\nHost: a\r\nContent-Length: 0005\r\n\r\nhello");
  CHECK(response.status == 200);
  CHECK(response.body == "done");
  const Request seen = origin.last();
  CHECK(seen.method == "POST");
  CHECK(seen.target == "/form?a=b");
  CHECK(seen.version == "HTTP/1.1");
  CHECK(seen.fields.all("Content-Length") == std::vector<std::string>{"5"});
  CHECK_FALSE(seen.fields.has("Transfer-Encoding"));
  CHECK(seen.body == "hello");
}

TEST_CASE("a chunked request arrives chunked anew, without its extensions") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(to(origin));
  const Response response = proxy.exchange(
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: CHUNKED\r\n\r\n"
      "5;secret=1\r\nhello\r\n006;x\r\n world\r\n0;end\r\n\r\n");
  CHECK(response.status == 200);
  const Request seen = origin.last();
  CHECK(seen.chunked);
  CHECK(seen.field("Transfer-Encoding") == "chunked");
  CHECK_FALSE(seen.fields.has("Content-Length"));
  CHECK(seen.body == "hello world");
}

TEST_CASE("a request without a body arrives without framing fields") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(to(origin));
  REQUIRE(proxy.get("/plain").status == 200);
  CHECK_FALSE(origin.last().fields.has("Content-Length"));
  CHECK_FALSE(origin.last().fields.has("Transfer-Encoding"));
  CHECK(origin.last().body.empty());
}

TEST_CASE("a body of a GET, HEAD or DELETE is forwarded with its framing") {
  ScriptedOrigin origin(ScriptedOrigin::answering([](const Request& request) {
    return request.method == "HEAD" ? "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n" : ok("done");
  }));
  ProxyProcess proxy(to(origin));
  const std::string method = GENERATE("GET", "HEAD", "DELETE");
  const std::string rest = GENERATE("Content-Length: 5\r\n\r\nhello",
                                    "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
  CAPTURE(method, rest);
  CHECK(proxy.exchange(method + " / HTTP/1.1\r\nHost: a\r\n" + rest, method).status == 200);
  CHECK(origin.last().method == method);
  CHECK(origin.last().body == "hello");
}

TEST_CASE("pipelined requests are answered in order, bodies between them included") {
  ScriptedOrigin origin(ScriptedOrigin::answering(
      [](const Request& request) { return ok(request.target + " " + request.body); }));
  ProxyProcess proxy(to(origin));
  Client client = proxy.connect();
  client.send(
      "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"
      "POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\ntwo"
      "POST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nthree\r\n0\r\n\r\n"
      "GET /4 HTTP/1.1\r\nHost: a\r\n\r\n"
      "GET /5 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
      "GET /6 HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(client.read_response().body == "/1 ");
  CHECK(client.read_response().body == "/2 two");
  CHECK(client.read_response().body == "/3 three");
  CHECK(client.read_response().body == "/4 ");
  const Response last = client.read_response();
  CHECK(last.body == "/5 ");
  CHECK(last.fields.has_token("Connection", "close"));
  CHECK(client.wait_end() == End::closed);
  CHECK(origin.requests() == 5);
}

TEST_CASE("a hundred pipelined requests sent cut at odd places are answered in order") {
  ScriptedOrigin origin(
      ScriptedOrigin::answering([](const Request& request) { return ok(request.target); }));
  ProxyProcess proxy(to(origin));
  Client client = proxy.connect();
  std::string bytes;
  for (int i = 0; i < 100; ++i) {
    bytes += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: a\r\n\r\n";
  }
  for (size_t at = 0; at < bytes.size(); at += 173) client.send(bytes.substr(at, 173));
  for (int i = 0; i < 100; ++i) CHECK(client.read_response().body == "/" + std::to_string(i));
}

TEST_CASE("an HTTP/1.0 client keeps its connection only when it asks to") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(to(origin));
  Client client = proxy.connect();
  client.send("GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  const Response first = client.read_response();
  CHECK(first.fields.has_token("Connection", "keep-alive"));
  client.send("GET /2 HTTP/1.0\r\n\r\n");
  const Response second = client.read_response();
  CHECK(second.body == "done");
  CHECK(client.wait_end() == End::closed);
  CHECK(origin.last().version == "HTTP/1.1");
}

TEST_CASE("71: a client that shuts its sending side gets its answer where half_close says so") {
  Gate asked;
  ScriptedOrigin origin([&](OriginConnection& connection) {
    connection.must_read_request();
    asked.wait();
    connection.send(ok("late but complete"));
  });
  ProxyProcess proxy(
      ProxyConfig{.endpoints = {origin.address()}, .listener = "half_close = \"serve\""});
  Client client = proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  client.half_close();
  REQUIRE(eventually([&] { return origin.requests() == 1; }));
  asked.open();
  CHECK(client.read_response().body == "late but complete");
  CHECK(client.wait_end() == End::closed);
}

TEST_CASE("a large upload arrives whole while it is being sent") {
  const std::string body = noise(8 << 20);
  const bool in_chunks = GENERATE(false, true);
  Gate first_part_arrived;
  ScriptedOrigin origin([&](OriginConnection& connection) {
    // The head and some of the body are here before the client has sent the rest.
    const std::optional<Request> head = connection.read_request_head();
    const std::string first = in_chunks ? connection.read_chunk() : connection.read_exact(1000);
    first_part_arrived.open();
    std::string all = first;
    if (in_chunks) {
      for (std::string chunk; !(chunk = connection.read_chunk()).empty();) all += chunk;
    } else {
      all += connection.read_exact(body.size() - all.size());
    }
    connection.send(ok(all == body ? "same" : "different"));
  });
  ProxyProcess proxy(to(origin));
  Client client = proxy.connect();
  client.send("PUT / HTTP/1.1\r\nHost: a\r\n");
  if (in_chunks) {
    client.send("Transfer-Encoding: chunked\r\n\r\n3e8\r\n" + body.substr(0, 1000) + "\r\n");
    first_part_arrived.wait();
    client.send(chunked(std::string_view(body).substr(1000), 40'000));
  } else {
    client.send("Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
                body.substr(0, 1000));
    first_part_arrived.wait();
    client.send(std::string_view(body).substr(1000));
  }
  CHECK(client.read_response().body == "same");
}

TEST_CASE("trailers of a request are forwarded or dropped, never merged into the head") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(to(origin));
  const Response response = proxy.exchange(
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
      "5\r\nhello\r\n0\r\nX-Sum: 1\r\nContent-Length: 9\r\nHost: evil\r\nAuthorization: x\r\n\r\n");
  CHECK(response.status == 200);
  const Request seen = origin.last();
  CHECK(seen.body == "hello");
  CHECK_FALSE(seen.fields.has("X-Sum"));
  CHECK_FALSE(seen.fields.has("Authorization"));
  CHECK(seen.fields.all("Host") == std::vector<std::string>{"a"});
  CHECK_FALSE(seen.trailers.has("Content-Length"));
  CHECK_FALSE(seen.trailers.has("Host"));
  CHECK_FALSE(seen.trailers.has("Authorization"));
}

}  // namespace
}  // namespace onehop::test
