// SPDX-License-Identifier: MIT
// What applications do at the edges of RFC 9110 and 9112, over every pair of protocols: the same
// request gets the same verdict whatever carries it (docs/decisions/0018, 0019).
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/expect.h"
#include "tests/support/gate.h"
#include "tests/support/h2_client.h"
#include "tests/support/proxy_chain.h"
#include "tests/support/proxy_process.h"
#include "tests/support/scripted_origin.h"

namespace onehop::test {
namespace {

constexpr Leg kDown[] = {
    {Speaks::h1, Tls::off}, {Speaks::h1, Tls::on}, {Speaks::h2, Tls::off}, {Speaks::h2, Tls::on}};

// What a client is answered: the status, or 400 for a stream that was reset as malformed.
int verdict(AnyClient& client, const Ask& ask) {
  try {
    client.ask(ask);
    return client.response().status;
  } catch (const std::exception&) {
    return 400;
  }
}

TEST_CASE("any token is a method and arrives as it was sent") {
  for_all_legs([](Leg down, Leg up) {
    ProxyChain chain(down, up, ScriptedOrigin::answering([](const Request& request) {
                       return ok(request.method);
                     }));
    const auto client = chain.client();
    for (const std::string method : {"QUERY", "LIST", "VERSION-CONTROL", "RDG_IN_DATA", "PROPFIND",
                                     "brew", "get", "Connect", "!#$%&'*+-.^_`|~09Az"}) {
      client->ask({.method = method});
      const Response response = client->response();
      CHECK(response.status == 200);
      CHECK(response.body == method);
    }
    client->ask({.method = "QUERY", .length = Length::unknown});
    CHECK(client->send("select"));
    client->finish();
    CHECK(client->response().body == "QUERY");
    CHECK(chain.origin().last().body == "select");
  });
}

TEST_CASE("CONNECT is not supported, and a method that is no token is refused") {
  for (const Leg& down : kDown) {
    CAPTURE(down.name());
    ProxyChain chain(down, {}, ScriptedOrigin::always(ok("forwarded")));
    for (const std::string method : {"G(T", "G T", "", "G/T", "G\x80T"}) {
      CAPTURE(method);
      CHECK(verdict(*chain.client(), {.method = method}) == 400);
    }
    if (down.speaks == Speaks::h1) {
      const auto client = chain.client();
      client->ask({.method = "CONNECT"});
      const Response response = client->response();
      CHECK(response.status == 501);
      CHECK(response.body.find("method_unknown") != std::string::npos);
    }
    CHECK(chain.origin().requests() == 0);
  }
}

TEST_CASE("a request that repeats without harm is sent again, whatever its method is called") {
  struct Row {
    std::string method;
    int status;
  };
  const Row row = GENERATE(Row{"QUERY", 200}, Row{"SEARCH", 200}, Row{"UNLOCK", 200},
                           Row{"LIST", 502}, Row{"LOCK", 502});
  CAPTURE(row.method);
  for (const Leg& down : kDown) {
    CAPTURE(down.name());
    ProxyChain chain(down, {}, [](OriginConnection& connection) {
      connection.must_read_request();
      connection.send(ok("done"));
      while (connection.read_request()) {
        if (connection.index() == 0) return connection.close();
        connection.send(ok("done"));
      }
    });
    const auto client = chain.client();
    client->ask({});
    REQUIRE(client->response().status == 200);
    client->ask({.method = row.method});
    CHECK(client->response().status == row.status);
  }
}

TEST_CASE("a backslash is passed on behind the question mark and refused before it") {
  for_all_legs([](Leg down, Leg up) {
    ProxyChain chain(down, up, ScriptedOrigin::answering([](const Request& request) {
                       return ok(request.target);
                     }));
    const auto client = chain.client();
    for (const std::string path : {"/?a\\b", "/a?\\", "/?\\\\x=\\&y", "/a?b?\\"}) {
      client->ask({.path = path});
      CHECK(client->response().body == path);
    }
    const int before = chain.origin().requests();
    for (const std::string path : {"/a\\b", "/\\", "/a\\?b", "/a\\b?c\\d", "\\/?", "/?a#\\",
                                   "/?\\ \\", "/?\\\x01", "/?\\\x7f", "/?\\\xc3\xa4"}) {
      CAPTURE(path);
      CHECK(verdict(*chain.client(), {.path = path}) == 400);
    }
    CHECK(chain.origin().requests() == before);
  });
}

TEST_CASE("bytes outside ASCII in a target are refused, or passed on where the listener says so") {
  const std::vector<std::string> paths = {"/\xc3\xa4", "/?q=\xe2\x82\xac", "/\xff?\x80",
                                          "/a?\\\xf0\x9f\x98\x80"};
  for_all_legs([&](Leg down, Leg up) {
    const auto target = [](const Request& request) { return ok(request.target); };
    ProxyChain strict(down, up, ScriptedOrigin::answering(target));
    ProxyChain lenient(down, up, ScriptedOrigin::answering(target),
                       {.listener = "targets = \"lenient\""});
    const auto client = lenient.client();
    for (const std::string& path : paths) {
      CAPTURE(path);
      CHECK(verdict(*strict.client(), {.path = path}) == 400);
      client->ask({.path = path});
      CHECK(client->response().body == path);
    }
    for (const std::string path :
         {"/\xc3\xa4#", "/\xc3\xa4 ", "/\xc3\x01", "/\x7f\xc3", "/\\\xc3"}) {
      CAPTURE(path);
      CHECK(verdict(*lenient.client(), {.path = path}) == 400);
    }
    CHECK(strict.origin().requests() == 0);
  });
}

TEST_CASE("a status of 600 to 999 is passed on with its body, and counted as a 5xx") {
  for_all_legs([](Leg down, Leg up) {
    ProxyChain chain(down, up, ScriptedOrigin::answering([](const Request& request) -> std::string {
                       return "HTTP/1.1 " + request.target.substr(1) +
                              " Odd\r\nContent-Length: 4\r\n\r\nbody";
                     }));
    const auto client = chain.client();
    for (const int status : {600, 799, 999}) {
      client->ask({.path = "/" + std::to_string(status)});
      const Response response = client->response();
      CHECK(response.status == status);
      CHECK(response.body == "body");
    }
    CHECK(chain.proxy().wait_number("downstream/requests/by_class/5xx", 3) == 3);
    CHECK(chain.endpoint_number("requests/by_class/5xx") == 3);
    client->ask({.path = "/099"});
    CHECK(client->response().status == 502);
  });
}

TEST_CASE("an answer without a body may say its length and its coding") {
  for (const Leg& down : kDown) {
    CAPTURE(down.name());
    ProxyChain chain(down, {}, ScriptedOrigin::answering([](const Request& request) -> std::string {
                       if (request.method == "GET" && request.target != "/304") return ok("body");
                       return std::string(request.target == "/304" ? "HTTP/1.1 304 Not Modified"
                                                                   : "HTTP/1.1 200 OK") +
                              "\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n";
                     }));
    const auto client = chain.client();
    for (const Ask& ask : {Ask{.method = "HEAD"}, Ask{.path = "/304"}}) {
      client->ask(ask);
      const Response response = client->response();
      CHECK(response.status == (ask.method == "HEAD" ? 200 : 304));
      CHECK(response.complete);
      CHECK(response.body.empty());
      CHECK_FALSE(response.fields.has("Transfer-Encoding"));
      CHECK(response.field("Content-Length") == "5");
    }
    client->ask({});
    CHECK(client->response().body == "body");
    CHECK(chain.origin().accepts() == 1);
  }
}

TEST_CASE("a length that an endpoint says twice and alike is said once to the client") {
  const std::string lengths =
      GENERATE("Content-Length: 4\r\nContent-Length: 4\r\n", "Content-Length: 4, 4\r\n",
               "Content-Length: 00000000000000000000000000004\r\n");
  CAPTURE(lengths);
  for (const Leg& down : kDown) {
    CAPTURE(down.name());
    ProxyChain chain(down, {},
                     ScriptedOrigin::always("HTTP/1.1 200 OK\r\n" + lengths + "\r\nbody"));
    const auto client = chain.client();
    for (int i = 0; i < 2; ++i) {
      client->ask({});
      const Response response = client->response();
      CHECK(response.body == "body");
      CHECK(response.field("Content-Length") == "4");
    }
    CHECK(chain.origin().accepts() == 1);
  }
}

TEST_CASE("a length with leading zeros is the number that it is") {
  ScriptedOrigin origin(ScriptedOrigin::answering([](const Request& request) {
    return ok(request.field("Content-Length") + " " + request.body);
  }));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  const std::string zeros(30, '0');
  CHECK(proxy.exchange("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + zeros + "5\r\n\r\nhello")
            .body == "5 hello");
  H2Peer client = H2Peer::connect(proxy.address());
  const int32_t id =
      client.request(h2_request("POST", "/", {{"content-length", zeros + "5"}}), H2Ends::no);
  REQUIRE(client.data(id, "hello", H2Ends::yes));
  CHECK(client.response(id).body == "5 hello");
  const int32_t over = client.request(
      h2_request("POST", "/", {{"content-length", zeros + "18446744073709551621"}}), H2Ends::no);
  const H2Exchange& refused = client.finish(over);
  CHECK((refused.status() == 400 || refused.reset == kProtocolError));
}

TEST_CASE("a minor version that is newer is answered as HTTP/1.1, on a kept connection") {
  ScriptedOrigin origin(ScriptedOrigin::always("HTTP/1.5 200 OK\r\nContent-Length: 4\r\n\r\nbody"));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  Client client = proxy.connect();
  for (const std::string version : {"1.2", "1.9", "1.1"}) {
    client.send("GET / HTTP/" + version + "\r\nHost: a\r\n\r\n");
    const Response response = client.read_response();
    CHECK(response.body == "body");
    CHECK(response.head.starts_with("HTTP/1.1 200"));
  }
  CHECK(origin.accepts() == 1);
}

TEST_CASE("a field that underscores disguise is left out and counted, any other passes") {
  for (const Leg& down : kDown) {
    CAPTURE(down.name());
    ProxyChain chain(down, {}, ScriptedOrigin::always(ok("done")));
    const auto client = chain.client();
    client->ask({.fields = {{"x_forwarded_for", "10.0.0.1"},
                            {"content_length", "5"},
                            {"transfer_encoding", "chunked"},
                            {"my_own", "1"}}});
    CHECK(client->response().body == "done");
    const Request seen = chain.origin().last();
    for (const std::string name : {"x_forwarded_for", "content_length", "transfer_encoding"})
      CHECK_FALSE(seen.fields.has(name));
    CHECK(seen.field("my_own") == "1");
    CHECK(chain.proxy().metrics().find("\nonehop_downstream_fields_dropped_total 3\n") !=
          std::string::npos);
  }
}

TEST_CASE("a bad chunk that came with its head opens no exchange with an endpoint") {
  const std::string body =
      GENERATE("0x5\r\nhello\r\n0\r\n\r\n", "5\r\nhello\r\n5 \r\nhello\r\n0\r\n\r\n",
               "5;\r\nhello\r\n0\r\n\r\n", "5\r\nhelloX\r\n0\r\n\r\n",
               "5\r\nhello\r\nffffffffffffffff\r\n", "5\r\nhello\r\n0\r\nX-T\r\n\r\n",
               "0\r\nX T: a\r\n\r\n", "0\r\n X: a\r\n\r\n", "0\r\nA: b\n\r\n", "\r\n");
  CAPTURE(body);
  ScriptedOrigin origin([](OriginConnection& connection) { connection.read_request_head(); });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  Client client = proxy.connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + body +
              "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(client.read_response().status == 400);
  CHECK(client.read_rest().bytes.empty());
  CHECK(origin.accepts() == 0);
}

TEST_CASE("what came with a head and is in order is read once, trailers and next request too") {
  ScriptedOrigin origin(ScriptedOrigin::answering([](const Request& request) {
    return ok(request.method + " " + request.body + request.field("X-Mine") +
              request.trailers.get("X-Sum").value_or(""));
  }));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  Client client = proxy.connect();
  client.send(
      "POST / HTTP/1.1\r\nHost: a\r\nX-Mine: m\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5;a=b\r\nhello\r\n0\r\nX-Sum: 42\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nX-Mine: n\r\n\r\n");
  CHECK(client.read_response().body == "POST hellom42");
  CHECK(client.read_response().body == "GET n");
}

}  // namespace
}  // namespace onehop::test
