// SPDX-License-Identifier: MIT
// WebSockets of HTTP/2 clients (RFC 8441) at origins of HTTP/1.1, where onehop is the WebSocket's
// client: it opens the handshake and judges the answer (RFC 6455 4.1).
#include "onehop/base/ascii.h"
#include "tests/support/catch.h"
#include "tests/support/expect.h"
#include "tests/support/h2_client.h"
#include "tests/support/proxy_chain.h"
#include "tests/support/websocket.h"

namespace onehop::test {
namespace {

H2Fields websocket(const H2Fields& more = {}) {
  H2Fields fields = {{":method", "CONNECT"},       {":protocol", "websocket"},
                     {":scheme", "http"},          {":path", "/chat"},
                     {":authority", "a"},          {"sec-websocket-version", "13"},
                     {"sec-websocket-key", "mine"}};
  fields.insert(fields.end(), more.begin(), more.end());
  return fields;
}

std::string lower(std::string text) {
  for (char& c : text) c = to_lower(c);
  return text;
}

TEST_CASE("each WebSocket has a key of its own, and a right answer to it opens the tunnel") {
  std::vector<std::string> keys;
  ScriptedOrigin origin([&](OriginConnection& connection) {
    const Request request = connection.must_read_request();
    keys.push_back(request.field("Sec-WebSocket-Key"));
    if (request.fields.count("Sec-WebSocket-Key") != 1) throw PeerError("not one key");
    if (request.fields.has("Sec-WebSocket-Accept")) throw PeerError("an answer in a request");
    connection.send(websocket_switch(request, "Sec-WebSocket-Protocol: chat\r\n") + "hello");
    connection.wait_end();
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  H2Peer client = H2Peer::connect(proxy.address());
  REQUIRE(client.answers());
  for (int i = 0; i < 3; ++i) {
    const int32_t id = client.request(websocket({{"sec-websocket-protocol", "chat"}}), H2Ends::no);
    REQUIRE(client.await([&] { return client.exchange(id).body == "hello"; }));
    const FieldList& head = client.exchange(id).heads.front();
    CHECK(head.get(":status") == "200");
    CHECK(head.get("sec-websocket-protocol") == "chat");
    CHECK_FALSE(head.has("sec-websocket-accept"));
    client.send(h2_reset(id));
  }
  CHECK(eventually([&] { return origin.requests() == 3; }));
  for (const std::string& key : keys) {
    CHECK(key.size() == 24);
    CHECK(key.ends_with("=="));
    CHECK(std::count(keys.begin(), keys.end(), key) == 1);
  }
}

TEST_CASE("a 101 that does not answer the key is a 502, and the connection to it is not used") {
  struct Row {
    std::string name;
    std::function<std::string(const std::string& right)> lines;
  };
  const Row row = GENERATE(
      Row{"missing", [](const std::string&) { return ""; }},
      Row{"the answer of RFC 6455 1.3",
          [](const std::string&) {
            return "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
          }},
      Row{"empty", [](const std::string&) { return "Sec-WebSocket-Accept: \r\n"; }},
      Row{"repeated",
          [](const std::string& right) {
            return "Sec-WebSocket-Accept: " + right + "\r\nsec-websocket-accept: " + right + "\r\n";
          }},
      Row{"right and wrong",
          [](const std::string& right) {
            return "Sec-WebSocket-Accept: x\r\nSec-WebSocket-Accept: " + right + "\r\n";
          }},
      Row{"twice in one field",
          [](const std::string& right) {
            return "Sec-WebSocket-Accept: " + right + ", " + right + "\r\n";
          }},
      Row{"in quotes",
          [](const std::string& right) { return "Sec-WebSocket-Accept: \"" + right + "\"\r\n"; }},
      Row{"in small letters",
          [](const std::string& right) {
            return "Sec-WebSocket-Accept: " + lower(right) + "\r\n";
          }},
      Row{"by another name",
          [](const std::string& right) { return "Sec_WebSocket_Accept: " + right + "\r\n"; }},
      Row{"in an empty list",
          [](const std::string& right) { return "Sec-WebSocket-Accept: ," + right + "\r\n"; }},
      Row{"cut", [](const std::string& right) {
            return "Sec-WebSocket-Accept: " + right.substr(0, 27) + "\r\n";
          }});
  CAPTURE(row.name);
  const Leg legs[] = {{Speaks::h1, Tls::off}, {Speaks::h1, Tls::on}};
  for (const Leg up : legs) {
    ProxyChain chain({Speaks::h2, Tls::off}, up, [&](OriginConnection& connection) {
      const std::optional<Request> request = connection.read_request();
      if (!request) return;
      const std::string right = websocket_accept(request->field("Sec-WebSocket-Key"));
      connection.send(
          "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n" +
          row.lines(right) + "\r\n");
      connection.read_rest();
    });
    H2Peer client = H2Peer::connect(chain.proxy().address());
    REQUIRE(client.answers());
    const int32_t id = client.request(websocket(), H2Ends::no);
    const Response response = client.response(id);
    CHECK(response.status == 502);
    CHECK(error_token(response) == "http_protocol_error");
    CHECK(client.answers());
    CHECK(chain.proxy().wait_number("downstream/requests/in_flight", 0) == 0);
    CHECK(chain.endpoint_number("connections/idle") == 0);
  }
}

TEST_CASE("a right answer opens the tunnel with blanks around it and behind interim responses") {
  ScriptedOrigin origin([](OriginConnection& connection) {
    const Request request = connection.must_read_request();
    for (const char* const status : {"100 Continue", "103 Early Hints", "102 Processing"})
      connection.send("HTTP/1.1 " + std::string(status) + "\r\nX-A: b\r\n\r\n");
    connection.send(
        "HTTP/1.1 101 Switching Protocols\r\nconnection: keep-alive, UPGRADE\r\n"
        "upgrade: WebSocket\r\nSEC-WEBSOCKET-ACCEPT: \t " +
        websocket_accept(request.field("Sec-WebSocket-Key")) + " \t\r\n\r\nhello");
    connection.wait_end();
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  H2Peer client = H2Peer::connect(proxy.address());
  REQUIRE(client.answers());
  const int32_t id = client.request(websocket(), H2Ends::no);
  REQUIRE(client.await([&] { return client.exchange(id).body == "hello"; }));
  CHECK(client.exchange(id).heads.size() == 4);
  CHECK(client.exchange(id).status() == 200);
}

TEST_CASE("an origin that does not switch is heard, but never taken for a tunnel") {
  // What a client of HTTP/2 would take for one is every 2xx (RFC 8441 5.1).
  const auto [status, seen] = GENERATE(table<int, int>({{200, 502},
                                                        {204, 502},
                                                        {206, 502},
                                                        {299, 502},
                                                        {301, 301},
                                                        {304, 304},
                                                        {401, 401},
                                                        {403, 403},
                                                        {426, 426},
                                                        {500, 500},
                                                        {503, 503},
                                                        {999, 999}}));
  CAPTURE(status);
  const bool empty = status == 204 || status == 304;
  ScriptedOrigin origin([&, answer = status](OriginConnection& connection) {
    const Request request = connection.must_read_request();
    connection.send("HTTP/1.1 " + std::to_string(answer) + " Odd\r\nSec-WebSocket-Accept: " +
                    websocket_accept(request.field("Sec-WebSocket-Key")) +
                    "\r\nConnection: upgrade\r\nUpgrade: websocket\r\n" +
                    (empty ? "\r\n" : "Content-Length: 4\r\n\r\nbody"));
    connection.read_rest();
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  H2Peer client = H2Peer::connect(proxy.address());
  REQUIRE(client.answers());
  const int32_t id = client.request(websocket(), H2Ends::no);
  client.finish(id);
  CHECK(client.exchange(id).status() == seen);
  if (seen == status && !empty) CHECK(client.exchange(id).body == "body");
  CHECK(client.answers());
  CHECK(proxy.wait_number("downstream/requests/in_flight", 0) == 0);
}

TEST_CASE("a WebSocket client of HTTP/1.1 judges the answer to its key itself") {
  ScriptedOrigin origin([](OriginConnection& connection) {
    connection.must_read_request();
    connection.send(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Accept: wrong\r\n\r\n");
    connection.wait_end();
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  Client client = proxy.connect();
  client.send(
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
  const Response response = client.read_response_head();
  CHECK(response.status == 101);
  CHECK(response.field("Sec-WebSocket-Accept") == "wrong");
}

}  // namespace
}  // namespace onehop::test
