// SPDX-License-Identifier: MIT
// What an HTTP/2 request may say, and what the HTTP/1.1 origin then sees of it (edge cases 104 and
// 105), as tables. Nothing of a message that is refused reaches the origin.
#include "tests/support/catch.h"
#include "tests/support/h2_client.h"
#include "tests/support/h2_victim.h"

namespace onehop::test {
namespace {

struct Row {
  std::string name;
  H2Fields fields;
};

H2Fields with(const H2Fields& more) {
  return h2_request("GET", "/", more);
}

H2Fields pseudo(const std::string& method, const std::string& scheme, const std::string& authority,
                const std::string& path) {
  return {{":method", method}, {":scheme", scheme}, {":authority", authority}, {":path", path}};
}

std::vector<Row> refused_fields() {
  using namespace std::string_literals;
  return {
      {"connection", with({{"connection", "keep-alive"}})},
      {"keep-alive", with({{"keep-alive", "timeout=5"}})},
      {"proxy-connection", with({{"proxy-connection", "close"}})},
      {"transfer-encoding", with({{"transfer-encoding", "chunked"}})},
      {"upgrade", with({{"upgrade", "h2c"}})},
      {"te that is more than trailers", with({{"te", "trailers, gzip"}})},
      {"te that is not trailers", with({{"te", "gzip"}})},
      {"a name in upper case", with({{"X-Upper", "1"}})},
      {"an empty name", with({{"", "1"}})},
      {"a name with a space", with({{"a b", "1"}})},
      {"a name with a colon", with({{"a:b", "1"}})},
      {"a name with CR LF", with({{"a\r\nb", "1"}})},
      {"a value with CR LF", with({{"a", "1\r\nx: 2"}})},
      {"a value with LF", with({{"a", "1\nx: 2"}})},
      {"a value with CR", with({{"a", "1\rx"}})},
      {"a value with NUL", with({{"a", "1\0x"s}})},
      {"a value that begins with a space", with({{"a", " 1"}})},
      {"a value that ends with a tab", with({{"a", "1\t"}})},
      {"a host that is another", with({{"host", "b"}})},
      {"two hosts", with({{"host", "a"}, {"host", "a"}})},
      {"two lengths", with({{"content-length", "0"}, {"content-length", "1"}})},
      {"a length that is no number", with({{"content-length", "+0"}})},
      {"a length without a body", with({{"content-length", "5"}})},
      {"a response's pseudo-field", with({{":status", "200"}})},
      {"an unknown pseudo-field", with({{":unknown", "1"}})},
  };
}

std::vector<Row> refused_pseudo_fields() {
  using namespace std::string_literals;
  return {
      {"no method", {{":scheme", "http"}, {":authority", "a"}, {":path", "/"}}},
      {"no scheme", {{":method", "GET"}, {":authority", "a"}, {":path", "/"}}},
      {"no path", {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}}},
      {"no authority and no host", {{":method", "GET"}, {":scheme", "http"}, {":path", "/"}}},
      {"two methods", with({{":method", "GET"}})},
      {"two paths",
       {{":method", "GET"},
        {":scheme", "http"},
        {":path", "/"},
        {":path", "/"},
        {":authority", "a"}}},
      {"a pseudo-field after a field",
       {{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {"x", "1"}, {":authority", "a"}}},
      {"an empty path", pseudo("GET", "http", "a", "")},
      {"a path without a slash", pseudo("GET", "http", "a", "x")},
      {"a path with a space", pseudo("GET", "http", "a", "/ HTTP/1.1")},
      {"a path with CR LF", pseudo("GET", "http", "a", "/\r\nx: 1")},
      {"a path with NUL", pseudo("GET", "http", "a", "/\0"s)},
      {"a path with a fragment", pseudo("GET", "http", "a", "/#x")},
      {"a star that is not of OPTIONS", pseudo("GET", "http", "a", "*")},
      {"an empty method", pseudo("", "http", "a", "/")},
      {"a method with a space", pseudo("GET /x", "http", "a", "/")},
      {"a method with CR LF", pseudo("GET\r\n", "http", "a", "/")},
      {"CONNECT", {{":method", "CONNECT"}, {":authority", "a:443"}}},
      {"an authority with a user", pseudo("GET", "http", "u@a", "/")},
      {"an authority with a slash", pseudo("GET", "http", "a/b", "/")},
      {"an authority with CR LF", pseudo("GET", "http", "a\r\nx: 1", "/")},
      {"an authority with a space", pseudo("GET", "http", "a b", "/")},
      {"an empty authority", pseudo("GET", "http", "", "/")},
      {"a scheme that is not HTTP's", pseudo("GET", "ftp", "a", "/")},
      {"a scheme that begins like HTTP's", pseudo("GET", "httpx", "a", "/")},
      {"a scheme longer than any", pseudo("GET", "http-and-something-longer", "a", "/")},
      {"an empty scheme", pseudo("GET", "", "a", "/")},
      {"a protocol without CONNECT", with({{":protocol", "websocket"}})},
  };
}

TEST_CASE("104, 105: a request that cannot be one of HTTP/1.1 is refused and never forwarded") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  const std::vector<Row> rows = GENERATE(refused_fields(), refused_pseudo_fields());
  for (const Row& row : rows) {
    CAPTURE(row.name);
    H2Peer client = H2Peer::connect(proxy.address());
    const int32_t id = client.request(row.fields);
    const H2Exchange& exchange = client.finish(id);
    const int status = exchange.status();
    const bool refused = status == 400 || status == 501 || exchange.reset == kProtocolError ||
                         client.goaway() == kProtocolError;
    CHECK(refused);
    INFO("status " << status);
    CHECK(origin.requests() == 0);
  }
  H2Peer client = H2Peer::connect(proxy.address());
  CHECK(client.response(client.request(h2_request())).body == "done");
}

TEST_CASE("105: what the origin sees of a request") {
  struct Seen {
    std::string name;
    H2Fields fields;
    std::string line;  // of the head at the origin
  };
  const std::vector<Seen> rows = {
      {"the authority is the Host", pseudo("GET", "http", "Example.org:8080", "/x?y"),
       "\r\nHost: Example.org:8080\r\n"},
      {"a host without an authority",
       {{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {"host", "b.org"}},
       "\r\nHost: b.org\r\n"},
      {"a host that is the same", with({{"host", "a"}}), "\r\nHost: a\r\n"},
      {"the request line", pseudo("DELETE", "http", "a", "/x%20y?a=b"),
       "DELETE /x%20y?a=b HTTP/1.1\r\n"},
      {"an OPTIONS of everything", pseudo("OPTIONS", "http", "a", "*"), "OPTIONS * HTTP/1.1\r\n"},
      {"crumbs of a cookie", with({{"cookie", "a=1"}, {"x", "y"}, {"cookie", "b=2; c=3"}}),
       "cookie: a=1; b=2; c=3\r\n"},
      {"a value of bytes above 127", with({{"x", "\xc3\xa4"}}), "x: \xc3\xa4\r\n"},
      {"an empty value", with({{"x", ""}}), "x: \r\n"},
      {"a POST without a body", pseudo("POST", "http", "a", "/"), "\r\nContent-Length: 0\r\n"},
      {"a PUT without a body", pseudo("PUT", "http", "a", "/"), "\r\nContent-Length: 0\r\n"},
  };
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  for (const Seen& row : rows) {
    CAPTURE(row.name);
    H2Peer client = H2Peer::connect(proxy.address());
    CHECK(client.response(client.request(row.fields)).status == 200);
    const std::string head = origin.last().head;
    CAPTURE(head);
    CHECK(head.find(row.line) != std::string::npos);
    CHECK(origin.last().fields.count("Host") == 1);
    CHECK(origin.last().fields.count("Cookie") <= 1);
    CHECK(head.find("\r\n:") == std::string::npos);
  }
}

TEST_CASE("105: a body whose length is not its Content-Length is never a whole request upstream") {
  struct Body {
    std::string name;
    std::string length;
    std::string first;
    std::string second;
  };
  const Body row = GENERATE(Body{"less", "10", "hel", "lo"}, Body{"more", "5", "hello", "!"},
                            Body{"much more", "5", "hello world", ""},
                            Body{"some where none was announced", "0", "hello", ""});
  CAPTURE(row.name);
  std::atomic<bool> whole = false;
  ScriptedOrigin origin([&](OriginConnection& connection) {
    try {
      const std::optional<Request> request = connection.read_request();
      // The bytes that were announced may have gone ahead before there were more.
      if (request && row.name == "less") whole = true;
      connection.read_rest();
    } catch (const PeerError&) {
      return;
    }
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  H2Peer client = H2Peer::connect(proxy.address());
  const int32_t id =
      client.request(h2_request("POST", "/", {{"content-length", row.length}}), H2Ends::no);
  client.send({H2Type::data, 0, id, row.first});
  client.try_send(H2Frame{H2Type::data, kEndStream, id, row.second}.wire());
  const H2Exchange& exchange = client.finish(id);
  CHECK((exchange.reset == kProtocolError || exchange.status() == 400));
  CHECK_FALSE(whole);
  CHECK(proxy.wait_number("downstream/requests/in_flight", 0) == 0);
}

TEST_CASE("104: nothing of the HTTP/1.1 connection is in what an HTTP/2 client gets") {
  ScriptedOrigin origin(
      ScriptedOrigin::always("HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\n"
                             "Keep-Alive: timeout=5\r\nProxy-Connection: close\r\n"
                             "Transfer-Encoding: chunked\r\nX-Kept: Yes\r\nSet-Cookie: a=1\r\n"
                             "Set-Cookie: b=2\r\n\r\n" +
                             chunked("hello")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  H2Peer client = H2Peer::connect(proxy.address());
  const Response response = client.response(client.request(h2_request()));
  CHECK(response.body == "hello");
  for (const char* name :
       {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "x-hop"}) {
    CAPTURE(name);
    CHECK_FALSE(response.fields.has(name));
  }
  CHECK(response.field("x-kept") == "Yes");
  CHECK(response.fields.all("set-cookie") == std::vector<std::string>{"a=1", "b=2"});
}

TEST_CASE("104: trailers of a request that are no fields are refused") {
  ScriptedOrigin origin([](OriginConnection& connection) {
    connection.read_request_head();
    connection.read_rest();
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  const H2Fields trailers = GENERATE(H2Fields{{":path", "/"}}, H2Fields{{"Upper", "1"}},
                                     H2Fields{{"connection", "close"}}, H2Fields{{"a", "1\r\nb"}});
  CAPTURE(trailers.front().first);
  H2Peer client = H2Peer::connect(proxy.address());
  const int32_t id = client.request(h2_request("POST"), H2Ends::no);
  client.data(id, "hello");
  client.send(h2_headers(id, trailers, kEndHeaders | kEndStream));
  CHECK(client.finish(id).reset == kProtocolError);
  CHECK(proxy.wait_number("downstream/requests/in_flight", 0) == 0);
}

TEST_CASE("105: a field that HPACK may never index is none for the next hop either") {
  std::set<std::string> asked;
  ScriptedOrigin origin([&](OriginConnection& connection) {
    H2Peer peer(connection, H2Peer::Role::server);
    while (const int32_t id = peer.accept()) {
      asked = peer.exchange(id).never_indexed;
      peer.send({H2Type::headers, kEndStream | kEndHeaders, id,
                 h2_block({{":status", "200"}, {"x-plain", "1"}}) +
                     h2_secret_block({{"set-cookie", "a=1"}, {"x-key", "2"}})});
    }
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}, .upstream = "protocol = \"h2\""});
  H2Peer client = H2Peer::connect(proxy.address());
  client.send({H2Type::headers, kEndStream | kEndHeaders, 1,
               h2_block(h2_request("GET", "/", {{"x-plain", "1"}})) +
                   h2_secret_block({{"x-secret", "s"}, {"cookie", "c=2"}})});
  CHECK(client.finish(1).status() == 200);
  for (const char* name : {"x-secret", "cookie"}) CHECK(asked.count(name) == 1);
  CHECK(asked.count("x-plain") == 0);
  const std::set<std::string>& answered = client.exchange(1).never_indexed;
  CHECK(answered == std::set<std::string>{"set-cookie", "x-key", "x-request-id"});
}

}  // namespace
}  // namespace onehop::test
