// SPDX-License-Identifier: MIT
// Fields that belong to one hop, and those that the proxy adds (edge cases 35 to 40).
#include "tests/support/catch.h"
#include "tests/support/proxy_process.h"
#include "tests/support/scripted_origin.h"

namespace onehop::test {
namespace {

ProxyConfig to(const ScriptedOrigin& origin) {
  return {.endpoints = {origin.address()}};
}

Request seen_with(const std::string& field_lines, const std::string& server = "") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}, .server = server});
  const Response response =
      proxy.exchange("GET /x HTTP/1.1\r\nHost: shop.example:8443\r\n" + field_lines + "\r\n");
  CHECK(response.status == 200);
  return origin.last();
}

TEST_CASE("fields of one hop are not forwarded to the upstream") {
  const Request seen = seen_with(
      "Connection: close, X-Mine , x-other\r\nX-Mine: 1\r\nX-Other: 2\r\nKeep-Alive: timeout=5\r\n"
      "Proxy-Connection: keep-alive\r\nTE: gzip\r\nProxy-Authorization: Basic x\r\n"
      "Proxy-Authenticate: Basic\r\nUpgrade: h2c\r\nX-Kept: 3\r\nAuthorization: Bearer y\r\n");
  for (const char* name : {"X-Mine", "X-Other", "Keep-Alive", "Proxy-Connection", "TE", "Upgrade",
                           "Proxy-Authorization", "Proxy-Authenticate", "Transfer-Encoding"}) {
    CAPTURE(name);
    CHECK_FALSE(seen.fields.has(name));
  }
  CHECK_FALSE(seen.fields.has_token("Connection", "close"));
  CHECK_FALSE(seen.fields.has_token("Connection", "X-Mine"));
  CHECK(seen.field("X-Kept") == "3");
  CHECK(seen.field("Authorization") == "Bearer y");
}

TEST_CASE("the client's Connection: close does not end the upstream connection") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(to(origin));
  for (int i = 0; i < 3; ++i) CHECK(proxy.get().status == 200);
  CHECK(origin.accepts() == 1);
}

TEST_CASE("TE: trailers is passed on, and nothing else of TE") {
  const Request seen = seen_with("TE: gzip;q=0.5, trailers\r\nConnection: TE\r\n");
  if (seen.fields.has("TE")) {
    CHECK(seen.field("TE") == "trailers");
    CHECK(seen.fields.has_token("Connection", "TE"));
  }
}

TEST_CASE("36: a client cannot make the proxy drop what it nominates in Connection") {
  const Request seen = seen_with(
      "Connection: Host, X-Forwarded-For, X-Forwarded-Host, X-Forwarded-Proto, Forwarded, Via, "
      "X-Request-Id, Authorization, Cache-Control, Content-Length\r\n"
      "Authorization: Bearer y\r\nCache-Control: no-store\r\n");
  CHECK(seen.field("Host") == "shop.example:8443");
  CHECK(seen.field("X-Forwarded-For") == "127.0.0.1");
  CHECK(seen.fields.has("X-Forwarded-Host"));
  CHECK(seen.fields.has("X-Forwarded-Proto"));
  CHECK(seen.fields.has("X-Forwarded-Port"));
  CHECK(seen.fields.has("X-Real-IP"));
  CHECK(seen.fields.has("X-Request-Id"));
  CHECK(seen.field("Authorization") == "Bearer y");
  CHECK(seen.field("Cache-Control") == "no-store");
}

TEST_CASE("36: a nominated Content-Length keeps the body's framing") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(to(origin));
  const Response response = proxy.exchange(
      "POST / HTTP/1.1\r\nHost: a\r\nConnection: Content-Length\r\nContent-Length: 5\r\n\r\nhello");
  CHECK(response.status == 200);
  CHECK(origin.last().body == "hello");
}

TEST_CASE("two requests of one connection get two request ids") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(to(origin));
  Client client = proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
  client.read_response();
  client.read_response();
  const std::vector<Request> seen = origin.seen();
  REQUIRE(seen.size() == 2);
  CHECK(seen[0].field("X-Request-Id") != seen[1].field("X-Request-Id"));
}

TEST_CASE("39: several Set-Cookie and repeated fields stay several, in order") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok(
      "done",
      "Set-Cookie: a=1; Path=/, x\r\nX-A: 1\r\nset-cookie: b=2\r\nX-A: 2\r\nSet-Cookie: c=3\r\n")));
  ProxyProcess proxy(to(origin));
  const Response response = proxy.exchange(
      "GET / HTTP/1.1\r\nHost: a\r\nCookie: p=1\r\nCookie: q=2\r\nX-B: 1\r\nx-b: 2\r\n\r\n");
  CHECK(response.fields.all("Set-Cookie") ==
        std::vector<std::string>{"a=1; Path=/, x", "b=2", "c=3"});
  CHECK(response.fields.all("X-A") == std::vector<std::string>{"1", "2"});
  CHECK(origin.last().fields.all("X-B") == std::vector<std::string>{"1", "2"});
  CHECK(origin.last().fields.all("Cookie") == std::vector<std::string>{"p=1", "q=2"});
}

TEST_CASE("35: fields of one hop in a response are not forwarded to the client") {
  ScriptedOrigin origin(ScriptedOrigin::always(
      ok("done",
         "Connection: close, X-Mine\r\nX-Mine: 1\r\nKeep-Alive: timeout=5\r\n"
         "Proxy-Authenticate: Basic\r\nProxy-Connection: close\r\nUpgrade: h2c\r\nX-Kept: 2\r\n")));
  ProxyProcess proxy(to(origin));
  Client client = proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  const Response response = client.read_response();
  for (const char* name :
       {"X-Mine", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Upgrade"}) {
    CAPTURE(name);
    CHECK_FALSE(response.fields.has(name));
  }
  CHECK_FALSE(response.fields.has_token("Connection", "close"));
  CHECK(response.field("X-Kept") == "2");
  // The upstream's close is the upstream's own: this client connection goes on.
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(client.read_response().status == 200);
}

TEST_CASE("36: an upstream cannot make the proxy drop the framing it nominates") {
  ScriptedOrigin origin(ScriptedOrigin::always(
      ok("done", "Connection: Content-Length, Cache-Control\r\nCache-Control: private\r\n")));
  ProxyProcess proxy(to(origin));
  const Response response = proxy.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(response.body == "done");
  CHECK_FALSE(response.closed);
  CHECK(response.field("Cache-Control") == "private");
}

TEST_CASE("Date is the upstream's, and the proxy's own where it answers itself") {
  ScriptedOrigin origin(
      ScriptedOrigin::always(ok("done", "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()},
                                 .routes = "[[route]]\npath = \"/app\"\nupstream = \"app\"\n"});
  CHECK(proxy.get("/app").fields.all("Date") ==
        std::vector<std::string>{"Sun, 06 Nov 1994 08:49:37 GMT"});
  const Response missing = proxy.get("/other");
  CHECK(missing.status == 404);
  REQUIRE(missing.fields.count("Date") == 1);
  CHECK(missing.field("Date").ends_with(" GMT"));
  CHECK(missing.field("Date").size() == 29);
}

TEST_CASE("59: the authority of an absolute target becomes the Host") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(to(origin));
  const Response response =
      proxy.exchange("GET http://real.example:81/p?q HTTP/1.1\r\nHost: other.example\r\n\r\n");
  if (response.status == 200) {
    CHECK(origin.last().fields.all("Host") == std::vector<std::string>{"real.example:81"});
    CHECK(origin.last().target == "/p?q");
    CHECK(origin.last().field("X-Forwarded-Host") == "real.example:81");
  } else {
    CHECK(response.status == 400);
  }
}

TEST_CASE("59: an absolute target without a path asks for the root") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(to(origin));
  CHECK(proxy.exchange("GET http://a HTTP/1.1\r\nHost: a\r\n\r\n").status == 200);
  CHECK(origin.last().target == "/");
  CHECK(proxy.exchange("GET http://a?b=c HTTP/1.1\r\nHost: a\r\n\r\n").status == 200);
  CHECK(origin.last().target == "/?b=c");
}

TEST_CASE("61: a path that is normal, and every query, is forwarded as it came") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(to(origin));
  for (const std::string path : {"/b", "/x%2Fy", "/x//y", "/;p=1?x=%20&y[]=z", "/a?b=/../%2e"}) {
    CAPTURE(path);
    CHECK(proxy.get(path).status == 200);
    CHECK(origin.last().target == path);
  }
}

TEST_CASE("an HTTP/1.0 request without Host arrives as a valid HTTP/1.1 request") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(to(origin));
  CHECK(proxy.exchange("GET / HTTP/1.0\r\n\r\n").status == 200);
  CHECK(origin.last().version == "HTTP/1.1");
  CHECK(origin.last().fields.count("Host") == 1);
}

}  // namespace
}  // namespace onehop::test
