// SPDX-License-Identifier: MIT
// The PROXY protocol on both sides: clients whose proxy says who they are, and endpoints that are
// told.
#include "tests/support/catch.h"
#include "tests/support/certificates.h"
#include "tests/support/h2_client.h"
#include "tests/support/proxy_chain.h"
#include "tests/support/unix_peer.h"
#include "tests/support/websocket.h"

namespace onehop::test {
namespace {

using namespace std::string_literals;
using Strings = std::vector<std::string>;

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const std::string kLine = "PROXY TCP4 192.0.2.7 198.51.100.1 4711 8443\r\n";
const std::string kSignature = "\r\n\r\n\0\r\nQUIT\n"s;
// The same in version 2.
const std::string kBinary =
    kSignature + "\x21\x11\x00\x0c\xc0\x00\x02\x07\xc6\x33\x64\x01\x12\x67\x20\xfb"s;
const std::string kLocal = kSignature + "\x20\x00\x00\x00"s;
const std::string kFrom = "proxy_protocol_from = [\"127.0.0.1\"]";

// A proxy that wants a header of its clients, before an application.
struct Introduced {
  explicit Introduced(const std::string& listener = kFrom, const std::string& server = "",
                      const std::string& timeouts = "")
      : proxy(ProxyConfig{.endpoints = {origin.address()},
                          .listener = listener,
                          .server = server,
                          .timeouts = timeouts}) {}

  Response after(const std::string& header, std::string_view request = kGet) const {
    Client client = proxy.connect();
    client.send(header + std::string(request));
    return client.read_response();
  }
  std::string client_of_last() const {
    const Request seen = origin.last();
    return seen.fields.all("X-Forwarded-For").front() + " at " +
           seen.fields.all("X-Forwarded-Port").front();
  }
  int64_t faults(const std::string& reason) const {
    return proxy.stats().number("downstream/connections/proxy_header_faults_by_reason/" + reason);
  }

  ScriptedOrigin origin{ScriptedOrigin::always(ok("app"))};
  ProxyProcess proxy;
};

std::string port_of(const std::string& address) {
  return address.substr(address.rfind(':') + 1);
}

TEST_CASE("the client is who the PROXY header says, in version 1 and 2") {
  const Introduced side;
  for (const std::string& header : {kLine, kBinary}) {
    CHECK(side.after(header).body == "app");
    CHECK(side.client_of_last() == "192.0.2.7 at 8443");
  }
}

TEST_CASE("a PROXY header may come byte by byte, and the request with its last one") {
  const Introduced side;
  for (const std::string& header : {kLine, kBinary}) {
    Client client = side.proxy.connect();
    for (size_t i = 0; i + 1 < header.size(); ++i) {
      client.send(header.substr(i, 1));
      client.wait_until_read();
    }
    client.send(header.substr(header.size() - 1) + std::string(kGet));
    CHECK(client.read_response().body == "app");
    client.send(kGet);
    CHECK(client.read_response().body == "app");
    CHECK(side.client_of_last() == "192.0.2.7 at 8443");
  }
}

TEST_CASE("a header that does not tell leaves the proxy itself as the client") {
  const Introduced side;
  for (const std::string& header : {"PROXY UNKNOWN\r\n"s, kLocal}) {
    CHECK(side.after(header).body == "app");
    CHECK(side.client_of_last() == "127.0.0.1 at " + port_of(side.proxy.address()));
  }
}

TEST_CASE("a peer that has to send a PROXY header and does not is closed, counted and said once") {
  const Introduced side;
  for (int i = 0; i < 3; ++i) {
    Client client = side.proxy.connect();
    client.send(kGet);
    client.read_rest();
  }
  Client wrong = side.proxy.connect();
  wrong.send("PROXY TCP9 192.0.2.7 198.51.100.1 4711 8443\r\n");
  wrong.read_rest();
  CHECK(side.faults("missing") == 3);
  CHECK(side.faults("malformed") == 1);
  CHECK(side.origin.requests() == 0);
  const std::string line =
      "a connection of 127.0.0.1 is refused: Its first bytes are no PROXY header";
  REQUIRE(eventually([&] { return side.proxy.errors().find(line) != std::string::npos; }));
  const std::string log = side.proxy.errors();
  CHECK(log.find("is refused", log.find(line) + line.size()) == std::string::npos);
  CHECK(side.after(kLine).body == "app");
}

TEST_CASE("a connection that ends within its PROXY header is counted as that") {
  const Introduced side;
  for (const std::string& begin : {std::string(), kLine.substr(0, 20), kBinary.substr(0, 14)}) {
    Client client = side.proxy.connect();
    client.send(begin);
    client.half_close();
    client.read_rest();
  }
  CHECK(side.faults("cut_short") == 3);
}

TEST_CASE("a PROXY header that does not come in time ends its connection") {
  const Introduced side(kFrom, "", "request_head = \"20ms\"");
  Client silent = side.proxy.connect();
  Client begun = side.proxy.connect();
  begun.send(kLine.substr(0, 20));
  silent.read_rest();
  begun.read_rest();
  CHECK(side.faults("timeout") == 2);
}

TEST_CASE("peers that are not listed send no PROXY header, and one that does is not believed") {
  const Introduced side("proxy_protocol_from = [\"10.0.0.0/8\", \"unix\"]");
  CHECK(side.after("").body == "app");
  CHECK(side.client_of_last() == "127.0.0.1 at " + port_of(side.proxy.address()));
  CHECK(side.after(kLine).status == 400);
  Client binary = side.proxy.connect();
  binary.send(kBinary);
  CHECK(binary.read_rest().bytes.find(" 200 ") == std::string::npos);
}

TEST_CASE("whether forwarded fields are believed is asked of the client that the header names") {
  const std::string request = "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n";
  const Introduced proxy_trusted(kFrom, "trusted_proxies = [\"127.0.0.1\"]");
  CHECK(proxy_trusted.after(kLine, request).status == 200);
  CHECK(proxy_trusted.origin.last().fields.all("X-Real-IP") == Strings{"192.0.2.7"});
  const Introduced client_trusted(kFrom, "trusted_proxies = [\"192.0.2.0/24\"]");
  CHECK(client_trusted.after(kLine, request).status == 200);
  CHECK(client_trusted.origin.last().fields.all("X-Real-IP") == Strings{"203.0.113.9"});
}

TEST_CASE("HTTP/2 with prior knowledge may follow a PROXY header") {
  const Introduced side;
  Client client = side.proxy.connect();
  client.send(kLine);
  H2Peer h2(std::move(client));
  CHECK(h2.response(h2.request(h2_request("GET", "/", {}))).body == "app");
  CHECK(side.client_of_last() == "192.0.2.7 at 8443");
}

TEST_CASE("a peer of a unix socket is asked for a PROXY header where \"unix\" is listed") {
  const Folder folder;
  const std::string path = folder / "a.sock";
  ScriptedOrigin origin(ScriptedOrigin::always(ok("app")));
  const ProxyProcess proxy(ProxyConfig{
      .endpoints = {origin.address()},
      .more = "[[listener]]\naddress = \"unix:" + path + "\"\nproxy_protocol_from = [\"unix\"]\n"});
  Client client = connect_at(path);
  client.send(kLine + std::string(kGet));
  CHECK(client.read_response().body == "app");
  CHECK(origin.last().fields.all("X-Forwarded-For") == Strings{"192.0.2.7"});
  Client without = connect_at(path);
  without.send(kGet);
  without.read_rest();
  CHECK(proxy.stats().number("downstream/connections/proxy_header_faults_total") == 1);
}

TEST_CASE("a stop does not wait for a PROXY header that does not come") {
  Introduced side(kFrom, "drain = \"60s\"");
  Client silent = side.proxy.connect();
  Client begun = side.proxy.connect();
  begun.send(kLine.substr(0, 20));
  begun.wait_until_read();
  CHECK(side.proxy.terminate() == 0);
}

// An application that is told, and answers each request with the header of its connection.
void tell_line(OriginConnection& connection) {
  const std::string line = connection.read_through("\r\n");
  while (connection.read_request()) connection.send(ok(line.substr(0, line.size() - 2)));
}

std::string line_of(const Client& client, const ProxyProcess& proxy) {
  return "PROXY TCP4 127.0.0.1 127.0.0.1 " + std::to_string(client.local_port()) + " " +
         port_of(proxy.address());
}

std::string ask(Client& client, std::string_view request = kGet) {
  client.send(request);
  return client.read_response().body;
}

TEST_CASE("an endpoint is told who its client is, and a connection is of one client alone") {
  ScriptedOrigin origin(tell_line);
  const ProxyProcess proxy(
      ProxyConfig{.endpoints = {origin.address()}, .upstream = "proxy_protocol = \"v1\""});
  Client one = proxy.connect();
  Client two = proxy.connect();
  for (int i = 0; i < 3; ++i) {
    CHECK(ask(one) == line_of(one, proxy));
    CHECK(ask(two) == line_of(two, proxy));
  }
  CHECK(origin.accepts() == 2);
  const auto opened = [&](const std::string& reason) {
    return proxy.stats().number(
        ProxyProcess::endpoint(origin.address(), "connections/opened_by_reason/" + reason));
  };
  CHECK(opened("cold") == 1);
  CHECK(opened("other_client") == 1);
}

TEST_CASE("what a PROXY header said of a client is what the endpoint is told") {
  ScriptedOrigin origin(tell_line);
  const ProxyProcess proxy(ProxyConfig{
      .endpoints = {origin.address()}, .listener = kFrom, .upstream = "proxy_protocol = \"v1\""});
  Client client = proxy.connect();
  client.send(kLine);
  CHECK(ask(client) + "\r\n" == kLine);
}

TEST_CASE("forwarded fields do not change what the endpoint is told of the connection") {
  ScriptedOrigin origin(tell_line);
  const ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()},
                                       .server = "trusted_proxies = [\"127.0.0.1\"]",
                                       .upstream = "proxy_protocol = \"v1\""});
  Client client = proxy.connect();
  CHECK(ask(client, "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.9\r\n\r\n") ==
        line_of(client, proxy));
}

TEST_CASE("of a client of a unix socket an endpoint is told that it is unknown") {
  const Folder folder;
  const std::string path = folder / "a.sock";
  const std::string listener = "[[listener]]\naddress = \"unix:" + path + "\"\n";
  ScriptedOrigin v1(tell_line);
  ProxyProcess proxy(ProxyConfig{
      .endpoints = {v1.address()}, .upstream = "proxy_protocol = \"v1\"", .more = listener});
  Client client = connect_at(path);
  CHECK(ask(client) == "PROXY UNKNOWN");
  ScriptedOrigin v2([](OriginConnection& connection) {
    const std::string header = connection.read_exact(16);
    while (connection.read_request()) connection.send(ok(header));
  });
  REQUIRE(proxy.reload(ProxyConfig{
      .endpoints = {v2.address()}, .upstream = "proxy_protocol = \"v2\"", .more = listener}));
  CHECK(ask(client) == kSignature + "\x20\x00\x00\x00"s);
}

TEST_CASE("a client that came before endpoints were told is told of with its address and port") {
  ScriptedOrigin plain(ScriptedOrigin::always(ok("plain")));
  ScriptedOrigin told(tell_line);
  ProxyProcess proxy(ProxyConfig{.endpoints = {plain.address()}});
  Client client = proxy.connect();
  CHECK(ask(client) == "plain");
  REQUIRE(proxy.reload(
      ProxyConfig{.endpoints = {told.address()}, .upstream = "proxy_protocol = \"v1\""}));
  CHECK(ask(client) == "PROXY TCP4 127.0.0.1 0.0.0.0 " + std::to_string(client.local_port()) + " " +
                           port_of(proxy.address()));
}

TEST_CASE("a tunnel, too, begins with the header") {
  ScriptedOrigin origin([](OriginConnection& connection) {
    const std::string line = connection.read_through("\r\n");
    const Request request = connection.must_read_request();
    connection.send(websocket_switch(request) + line);
    connection.wait_end();
  });
  const ProxyProcess proxy(
      ProxyConfig{.endpoints = {origin.address()}, .upstream = "proxy_protocol = \"v1\""});
  Client client = proxy.connect();
  client.send(
      "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
  CHECK(client.read_response_head().status == 101);
  CHECK(client.read_through("\r\n") == line_of(client, proxy) + "\r\n");
  client.close();
}

// client -> proxy -> (PROXY header, TLS) -> inner -> origin
struct Chain {
  Chain(const std::string& version, const std::string& protocol)
      : inner(ProxyConfig{.endpoints = {origin.address()},
                          .more = "[[listener]]\naddress = \"127.0.0.1:0\"\n" + kFrom +
                                  "\n[listener.tls]\ncertificates = [" + pair(made) + "]\n"}),
        proxy(ProxyConfig{
            .endpoints = {inner.second_address()},
            .upstream = "proxy_protocol = \"" + version + "\"\nprotocol = \"" + protocol + "\"",
            .more = "[upstream.app.tls]\nca = \"" + made.authority() + "\"\n"}) {}

  static std::string pair(Certificates& made) {
    const CertificateFiles files = made.leaf({});
    return "{ cert = \"" + files.cert + "\", key = \"" + files.key + "\" }";
  }
  int64_t accepted() const { return inner.stats().number("downstream/connections/accepted_total"); }

  Certificates made;
  ScriptedOrigin origin{ScriptedOrigin::always(ok("app"))};
  ProxyProcess inner;
  ProxyProcess proxy;
};

TEST_CASE("the header comes before TLS, and what is behind it is one client's, in HTTP/2 too") {
  for (const std::string& version : {"v1"s, "v2"s}) {
    for (const std::string& protocol : {"h1"s, "h2"s, "auto"s}) {
      CAPTURE(version, protocol);
      const Chain chain(version, protocol);
      Client one = chain.proxy.connect();
      Client two = chain.proxy.connect();
      for (int i = 0; i < 2; ++i) {
        CHECK(ask(one) == "app");
        CHECK(ask(two) == "app");
      }
      CHECK(chain.origin.last().fields.all("X-Forwarded-Port") ==
            Strings{port_of(chain.proxy.address())});
      CHECK(chain.accepted() == 2);
    }
  }
}

}  // namespace
}  // namespace onehop::test
