// SPDX-License-Identifier: MIT
// The same scenarios over every pair of protocols: {h1, h2} x {plain, tls} on the client's side
// times the same on the other.
#include <optional>

#include "tests/support/catch.h"
#include "tests/support/expect.h"
#include "tests/support/gate.h"
#include "tests/support/proxy_chain.h"

namespace onehop::test {
namespace {

constexpr size_t kLarge = 1 << 20;

std::string sum(std::string_view bytes) {
  uint64_t hash = 14695981039346656037u;
  for (const char c : bytes) hash = (hash ^ static_cast<uint8_t>(c)) * 1099511628211u;
  return std::to_string(hash);
}

TEST_CASE("matrix: small and large responses, one after the other on a connection") {
  const std::string large = noise(kLarge);
  for_all_legs([&](Leg down, Leg up) {
    ProxyChain chain(down, up, ScriptedOrigin::answering([&](const Request& request) {
                       return ok(request.target == "/large" ? large : "small");
                     }));
    const auto client = chain.client();
    for (int round = 0; round < 3; ++round) {
      client->ask({});
      const Response small = client->response();
      CHECK(small.status == 200);
      CHECK(small.body == "small");
      CHECK(small.field("Content-Length") == "5");
      client->ask({.path = "/large"});
      const Response response = client->response();
      CHECK(response.complete);
      CHECK((response.body == large));
    }
  });
}

TEST_CASE("matrix: a large upload arrives as it was sent, of known and of unknown length") {
  const std::string body = noise(kLarge);
  for_all_legs([&](Leg down, Leg up) {
    ProxyChain chain(down, up, ScriptedOrigin::answering([&](const Request& request) {
                       return ok(request.method + " " + sum(request.body));
                     }));
    const auto client = chain.client();
    for (const Length length : {Length::known, Length::unknown}) {
      client->ask({.method = "POST", .length = length, .bytes = body.size()});
      CHECK(client->send(body));
      client->finish();
      CHECK(client->response().body == "POST " + sum(body));
      CHECK(chain.origin().last().fields.has("Content-Length") == (length == Length::known));
    }
  });
}

TEST_CASE("matrix: the answer to HEAD has the length and no body, and the connection goes on") {
  for_all_legs([](Leg down, Leg up) {
    ProxyChain chain(down, up, ScriptedOrigin::answering([](const Request& request) -> std::string {
                       if (request.method == "HEAD")
                         return "HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n";
                       return ok("body");
                     }));
    const auto client = chain.client();
    client->ask({.method = "HEAD"});
    const Response head = client->response();
    CHECK(head.status == 200);
    CHECK(head.field("Content-Length") == "12345");
    CHECK(head.body.empty());
    CHECK(head.complete);
    client->ask({});
    CHECK(client->response().body == "body");
  });
}

TEST_CASE("matrix: a response of unknown length arrives piece by piece and whole") {
  const bool in_chunks = GENERATE(true, false);
  CAPTURE(in_chunks);
  for_all_legs([&](Leg down, Leg up) {
    Gate first_is_there;
    ProxyChain chain(down, up, [&](OriginConnection& connection) {
      connection.must_read_request();
      connection.send(in_chunks ? "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" +
                                      chunked("hello ", 6).substr(0, 11)
                                : "HTTP/1.1 200 OK\r\n\r\nhello ");
      first_is_there.wait();
      connection.send(in_chunks ? chunked("world") : "world");
    });
    const auto client = chain.client();
    client->ask({});
    const Response head = client->head();
    CHECK_FALSE(head.fields.has("Content-Length"));
    CHECK(client->some_body().find("hello ") != std::string::npos);
    first_is_there.open();
    const Response response = client->rest(head);
    CHECK(response.complete);
    CHECK(response.body == "world");
  });
}

TEST_CASE("matrix: trailers pass both ways") {
  for_all_legs([](Leg down, Leg up) {
    ProxyChain chain(
        down, up, ScriptedOrigin::answering([](const Request& request) {
          return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n"
                 "5\r\nhello\r\n0\r\nX-Sum: " +
                 request.trailers.get("X-Mine").value_or("none") + "\r\n\r\n";
        }));
    const auto client = chain.client();
    client->ask({.method = "POST",
                 .fields = {{"te", "trailers"}, {"trailer", "x-mine"}},
                 .length = Length::unknown});
    CHECK(client->send("some"));
    client->finish({{"x-mine", "42"}});
    const Response response = client->response();
    CHECK(response.status == 200);
    CHECK(response.body == "hello");
    CHECK(chain.origin().last().body == "some");
    CHECK(response.trailers.get("x-sum").value_or("(none)") == "42");
  });
}

TEST_CASE("matrix: early hints pass before the response") {
  for_all_legs([](Leg down, Leg up) {
    ProxyChain chain(down, up,
                     ScriptedOrigin::always("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"
                                            "HTTP/1.1 103 Early Hints\r\nLink: </b.css>\r\n\r\n" +
                                            ok("done")));
    const auto client = chain.client();
    for (int round = 0; round < 2; ++round) {
      client->ask({});
      const Response first = client->head();
      CHECK(first.status == 103);
      CHECK(first.field("Link") == "</a.css>");
      CHECK(client->head().field("Link") == "</b.css>");
      const Response response = client->response();
      CHECK(response.status == 200);
      CHECK(response.body == "done");
    }
  });
}

TEST_CASE("matrix: a client that waits for 100 is told to go on") {
  for_all_legs([](Leg down, Leg up) {
    ProxyChain chain(down, up, [](OriginConnection& connection) {
      const std::optional<Request> head = connection.read_request_head();
      if (head->fields.has("Expect")) connection.send("HTTP/1.1 100 Continue\r\n\r\n");
      connection.send(ok(connection.read_exact(5)));
      connection.wait_end();
    });
    const auto client = chain.client();
    client->ask({.method = "POST",
                 .fields = {{"expect", "100-continue"}},
                 .length = Length::known,
                 .bytes = 5});
    CHECK(client->head().status == 100);
    CHECK(client->send("hello"));
    client->finish();
    CHECK(client->response().body == "hello");
  });
}

TEST_CASE("matrix: statuses without a body end at once, and the connection goes on") {
  for_all_legs([](Leg down, Leg up) {
    ProxyChain chain(
        down, up, ScriptedOrigin::answering([](const Request& request) -> std::string {
          if (request.target == "/204") return "HTTP/1.1 204 No Content\r\n\r\n";
          return "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nContent-Length: 9\r\n\r\n";
        }));
    const auto client = chain.client();
    for (const int status : {204, 304, 204}) {
      client->ask({.path = "/" + std::to_string(status)});
      const Response response = client->response();
      CHECK(response.status == status);
      CHECK(response.complete);
      CHECK(response.body.empty());
      if (status == 304) CHECK(response.field("ETag") == "\"a\"");
      if (status == 204) CHECK_FALSE(response.fields.has("Content-Length"));
    }
  });
}

TEST_CASE("matrix: what the proxy answers itself is a proper response") {
  for_all_legs([](Leg down, Leg up) {
    ProxyChain chain(down, up, ScriptedOrigin::always(ok("app")),
                     {.routes = "[[route]]\npath = \"/app\"\nupstream = \"app\"\n"});
    const auto client = chain.client();
    client->ask({.path = "/other"});
    const Response response = client->response();
    CHECK(response.status == 404);
    CHECK(error_token(response) == "destination_not_found");
    CHECK(response.field("Content-Length") == std::to_string(response.body.size()));
    client->ask({.path = "/app"});
    CHECK(client->response().body == "app");
  });
}

}  // namespace
}  // namespace onehop::test
