// SPDX-License-Identifier: MIT
// `:authority` and `host` of an HTTP/2 request: two ways to write one place are one (RFC 9113
// 8.3.1), two places are refused.
#include "tests/support/catch.h"
#include "tests/support/h2_client.h"
#include "tests/support/proxy_process.h"
#include "tests/support/scripted_origin.h"

namespace onehop::test {
namespace {

struct Row {
  std::string scheme, authority, host;
  bool same;
};

TEST_CASE("an authority and a Host that name one place are one request, two places are none") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  const std::vector<Row> rows = {
      {"http", "a", "a:80", true},
      {"http", "a:80", "a", true},
      {"http", "a:", "a", true},
      {"http", "a", "a:", true},
      {"http", "a:", "a:80", true},
      {"https", "a:443", "a", true},
      {"https", "a", "a:443", true},
      {"http", "a.example", "A.Example", true},
      {"http", "a.example.", "a.example", true},
      {"http", "a.example", "A.EXAMPLE.:80", true},
      {"http", "[::1]", "[::1]:80", true},
      {"http", "[::AB]:80", "[::ab]", true},
      {"http", "a:8080", "a:08080", true},
      {"http", "a:8080", "A.:8080", true},
      {"http", "a:443", "a", false},
      {"https", "a:80", "a", false},
      {"http", "a:8080", "a", false},
      {"http", "a:8080", "a:8081", false},
      {"http", "a", "b", false},
      {"http", "a", "a..", false},
      {"http", "a", "u@a", false},
      {"http", "[::1]", "[::2]", false},
      {"http", "a:80", "a:443", false},
      {"ftp", "a:80", "A:80", false},  // of no scheme that is served here
  };
  for (const Row& row : rows) {
    CAPTURE(row.scheme, row.authority, row.host);
    H2Peer client = H2Peer::connect(proxy.address());
    const int before = origin.requests();
    const int32_t id = client.request({{":method", "GET"},
                                       {":scheme", row.scheme},
                                       {":authority", row.authority},
                                       {":path", "/"},
                                       {"host", row.host}});
    CHECK(client.response(id).status == (row.same ? 200 : 400));
    CHECK(origin.requests() == before + (row.same ? 1 : 0));
    if (row.same) CHECK(origin.last().field("Host") == row.authority);
    if (row.same) CHECK(origin.last().fields.count("Host") == 1);
  }
}

TEST_CASE("a target of absolute form wins over its Host, however they differ") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  for (const char* host : {"a", "a:80", "b", "A."}) {
    CAPTURE(host);
    CHECK(proxy.exchange("GET http://a:80/ HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n")
              .status == 200);
    CHECK(origin.last().field("Host") == "a:80");
  }
}

}  // namespace
}  // namespace onehop::test
