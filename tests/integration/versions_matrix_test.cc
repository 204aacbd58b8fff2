// SPDX-License-Identifier: MIT
// The edges of RFC 9110 and 9112 over {HTTP/1.0, 1.1, 2} x {plain, tls} on both sides: methods,
// targets, authorities, statuses, lengths and trailers. See chunk_lines_matrix_test.cc for chunks.
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/proxy_chain.h"

namespace onehop::test {
namespace {

// "HTTP/1.1 ..." as an origin of this side says it.
std::string said_by(const Side& up, std::string response) {
  if (up.is("HTTP/1.0")) response.replace(0, 8, "HTTP/1.0");
  return response;
}

ScriptedOrigin::Script answering(const Side& up, ScriptedOrigin::Answer answer) {
  return ScriptedOrigin::answering(
      [up, answer](const Request& request) { return said_by(up, answer(request)); });
}

// The answer to one request on a connection of its own; 400 where its stream was reset as
// malformed.
Response exchange(ProxyChain& chain, const Side& down, Ask ask, const std::string& body = "") {
  if (!down.is_h2()) ask.version = down.version;
  const auto client = chain.client();
  try {
    client->ask(ask);
    if (!body.empty()) client->send(body);
    client->finish();
    return client->response();
  } catch (const std::exception&) {
    Response reset;
    reset.status = 400;
    return reset;
  }
}

TEST_CASE("matrix: any method arrives with its body, whatever the versions") {
  for_all_versions([](const Side& down, const Side& up) {
    ProxyChain chain(down.leg, up.leg, answering(up, [](const Request& request) {
                       return ok(request.method + " " + request.body);
                     }));
    for (const std::string method :
         {"QUERY", "VERSION-CONTROL", "RDG_IN_DATA", "brew", "PRI", "!#$%&'*+-.^_`|~09Az"}) {
      CHECK(exchange(chain, down, {.method = method, .length = Length::known, .bytes = 4}, "some")
                .body == method + " some");
      CHECK(exchange(chain, down, {.method = method}).body == method + " ");
    }
    CHECK(exchange(chain, down, {.method = "G(T"}).status == 400);
    CHECK(exchange(chain, down, {.method = "CONNECT", .path = "a:80"}).status >= 400);
  });
}

TEST_CASE("matrix: a backslash arrives behind the question mark and is refused before it") {
  for_all_versions([](const Side& down, const Side& up) {
    ProxyChain chain(down.leg, up.leg,
                     answering(up, [](const Request& request) { return ok(request.target); }));
    for (const std::string path : {"/?\\", "/a?x=\\y&z=?\\", "/a?\\..\\b", "/a?%5C\\"})
      CHECK(exchange(chain, down, {.path = path}).body == path);
    const int before = chain.origin().requests();
    for (const std::string path : {"/\\", "/a\\b?x", "\\a", "/..\\a"})
      CHECK(exchange(chain, down, {.path = path}).status == 400);
    CHECK(chain.origin().requests() == before);
  });
}

TEST_CASE("matrix: bytes outside ASCII arrive as they are where the listener is lenient") {
  const std::vector<std::string> paths = {"/caf\xc3\xa9", "/?q=\xe2\x82\xac", "/\xff\xfe?\x80",
                                          "/\xf0\x9f\x90\x99/a?\xc0\xaf"};
  for_all_versions([&](const Side& down, const Side& up) {
    const auto script = answering(up, [](const Request& request) { return ok(request.target); });
    ProxyChain lenient(down.leg, up.leg, script, {.listener = "targets = \"lenient\""});
    ProxyChain strict(down.leg, up.leg, script);
    for (const std::string& path : paths) {
      CHECK(exchange(lenient, down, {.path = path}).body == path);
      CHECK(exchange(strict, down, {.path = path}).status == 400);
    }
    CHECK(strict.origin().requests() == 0);
  });
}

// An HTTP/1.x client says both in an absolute target and a Host, which it overrules.
TEST_CASE("matrix: one place in two spellings is one request, and its origin sees one Host") {
  for_all_versions([](const Side& down, const Side& up) {
    ProxyChain chain(down.leg, up.leg, answering(up, [](const Request& request) {
                       return ok(request.field("Host"));
                     }));
    if (!down.is_h2()) {
      for (const std::string place : {"A", "a:80", "a.", "other:8080", "[::1]:80"}) {
        CHECK(exchange(chain, down, {.path = "http://" + place + "/x"}).body == place);
        CHECK(chain.origin().last().target == "/x");
        CHECK(chain.origin().last().fields.count("Host") == 1);
      }
      return;
    }
    for (const std::string host : {"a", "A", "a:80", "a.", "A.:80", "a:"}) {
      CHECK(exchange(chain, down, {.fields = {{"host", host}}}).body == "a");
      CHECK(chain.origin().last().fields.count("Host") == 1);
    }
    const int before = chain.origin().requests();
    for (const std::string host : {"b", "a:443", "a:8080", "u@a", "a,a", "a..", ""})
      CHECK(exchange(chain, down, {.fields = {{"host", host}}}).status == 400);
    CHECK(chain.origin().requests() == before);
  });
}

TEST_CASE("matrix: a status of 600 to 999 is passed on with its body") {
  for_all_versions([](const Side& down, const Side& up) {
    ProxyChain chain(down.leg, up.leg, answering(up, [](const Request& request) {
                       return "HTTP/1.1 " + request.target.substr(1) +
                              " X\r\nContent-Length: 4\r\n\r\nbody";
                     }));
    for (const int status : {600, 666, 799, 999}) {
      const Response response = exchange(chain, down, {.path = "/" + std::to_string(status)});
      CHECK(response.status == status);
      CHECK(response.body == "body");
    }
    for (const std::string path : {"/099", "/1000", "/000", "/-20"})
      CHECK(exchange(chain, down, {.path = path}).status == 502);
  });
}

TEST_CASE("matrix: a length said twice and alike is said once, and two lengths are a 502") {
  for_all_versions([](const Side& down, const Side& up) {
    ProxyChain chain(down.leg, up.leg, answering(up, [](const Request& request) -> std::string {
                       const std::string start = "HTTP/1.1 200 OK\r\n";
                       if (request.target == "/twice")
                         return start + "Content-Length: 4\r\ncontent-length: 4\r\n\r\nbody";
                       if (request.target == "/list")
                         return start + "Content-Length: 4, 4\r\n\r\nbody";
                       if (request.target == "/zeros")
                         return start + "Content-Length: 00000000000000000000000004\r\n\r\nbody";
                       return start + "Content-Length: 4\r\nContent-Length: 5\r\n\r\nbodys";
                     }));
    for (const std::string path : {"/twice", "/list", "/zeros"}) {
      const Response response = exchange(chain, down, {.path = path});
      CHECK(response.body == "body");
      CHECK(response.fields.all("Content-Length") == std::vector<std::string>{"4"});
    }
    CHECK(exchange(chain, down, {.path = "/two"}).status == 502);
  });
}

TEST_CASE("matrix: trailers reach HTTP/2, and HTTP/1.1 that asks, and never HTTP/1.0") {
  for_all_versions([](const Side& down, const Side& up) {
    if (up.is("HTTP/1.0")) return;  // has none
    ProxyChain chain(down.leg, up.leg,
                     ScriptedOrigin::always("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
                                            "Trailer: x-sum\r\n\r\n5\r\nhello\r\n0\r\n"
                                            "X-Sum: 42\r\n\r\n"));
    for (const bool asked : {false, true}) {
      const Response response =
          exchange(chain, down, {.fields = asked ? H2Fields{{"te", "trailers"}} : H2Fields{}});
      const bool wanted = down.is_h2() || (asked && down.is("HTTP/1.1"));
      CHECK(response.body == "hello");
      CHECK(response.trailers.get("x-sum").value_or("none") == (wanted ? "42" : "none"));
      CHECK(response.fields.has("Trailer") == wanted);
      if (down.is("HTTP/1.0")) CHECK_FALSE(response.fields.has("Transfer-Encoding"));
    }
  });
}

TEST_CASE("matrix: a newer minor version is HTTP/1.1 to the proxy, and to the origin") {
  for_all_versions([](const Side& down, const Side& up) {
    if (!down.is("HTTP/1.1")) return;
    ProxyChain chain(down.leg, up.leg,
                     answering(up, [](const Request& request) { return ok(request.version); }));
    for (const std::string version : {"HTTP/1.2", "HTTP/1.9"})
      CHECK(exchange(chain, {down.leg, version}, {}).body == "HTTP/1.1");
    for (const std::string version : {"HTTP/2.0", "HTTP/0.9", "HTTP/3.1"})
      CHECK(exchange(chain, {down.leg, version}, {}).status == 505);
    for (const std::string version : {"HTTP/1.10", "http/1.1", "HTTP/1,1", "HTTP/1."})
      CHECK(exchange(chain, {down.leg, version}, {}).status >= 400);
  });
}

TEST_CASE("matrix: an upgrade that HTTP/1.0 asks for is none, and its body arrives") {
  for_all_versions([](const Side& down, const Side& up) {
    if (!down.is("HTTP/1.0")) return;
    ProxyChain chain(down.leg, up.leg, answering(up, [](const Request& request) {
                       return ok(request.field("Upgrade") + request.body);
                     }));
    const Ask ask = {.method = "POST",
                     .fields = {{"Connection", "Upgrade"}, {"Upgrade", "tcp"}},
                     .length = Length::known,
                     .bytes = 4};
    CHECK(exchange(chain, down, ask, "some").body == "some");
  });
}

}  // namespace
}  // namespace onehop::test
