// SPDX-License-Identifier: MIT
// TLS towards endpoints: which protocol a connection speaks where both are offered (protocol =
// "auto"), and files that are renewed under the process. A second onehop is the endpoint.
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/support/catch.h"
#include "tests/support/certificates.h"
#include "tests/support/gate.h"
#include "tests/support/h2_client.h"
#include "tests/support/proxy_chain.h"
#include "tests/support/websocket.h"

namespace onehop::test {
namespace {

constexpr char kGet[] = "GET /page HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr char kAsk[] =
    "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

// Answers pages, and upgrades with an echo of five bytes at a time.
void serve(OriginConnection& connection) {
  while (const std::optional<Request> request = connection.read_request()) {
    if (!request->fields.has("Upgrade")) {
      connection.send(ok("page"));
      continue;
    }
    connection.send(websocket_switch(*request));
    connection.send("<" + connection.read_exact(5) + ">");
    connection.wait_end();
    return;
  }
}

// client -> proxy -> (TLS, ALPN) -> inner -> origin
struct Chain {
  explicit Chain(const std::string& pool = "", ScriptedOrigin::Script script = serve,
                 const std::string& of_inner = "")
      : origin(std::move(script)),
        inner(ProxyConfig{.endpoints = {origin.address()}, .more = listener_tls(made) + of_inner}),
        proxy(ProxyConfig{.endpoints = {inner.address()},
                          .upstream = "protocol = \"auto\"",
                          .pool = pool,
                          .more = "[upstream.app.tls]\nca = \"" + made.authority() + "\"\n"}) {}

  int64_t number(const std::string& path) const {
    return proxy.stats().number(ProxyProcess::endpoint(inner.address(), path));
  }
  // Of the connections that the endpoint has accepted.
  int64_t http2() const { return inner.stats().number("downstream/connections/h2_total"); }
  int64_t all() const { return inner.stats().number("downstream/connections/accepted_total"); }

  Certificates made;
  ScriptedOrigin origin;
  ProxyProcess inner;
  ProxyProcess proxy;
};

// A WebSocket through the proxy, in either protocol of the client.
void talk(const ProxyProcess& proxy, Speaks speaks) {
  if (speaks == Speaks::h1) {
    Client client = proxy.connect();
    client.send(kAsk);
    CHECK(client.read_response_head().status == 101);
    client.send("hello");
    CHECK(client.read_exact(7) == "<hello>");
    return;
  }
  H2Peer client = H2Peer::connect(proxy.address());
  REQUIRE(client.answers());
  const int32_t id = client.request({{":method", "CONNECT"},
                                     {":protocol", "websocket"},
                                     {":scheme", "http"},
                                     {":path", "/chat"},
                                     {":authority", "a"},
                                     {"sec-websocket-version", "13"}},
                                    H2Ends::no);
  REQUIRE(client.data(id, "hello"));
  REQUIRE(client.await([&] { return client.exchange(id).body.size() == 7; }));
  CHECK(client.exchange(id).status() == 200);
  CHECK(client.exchange(id).body == "<hello>");
}

TEST_CASE("an upgrade has HTTP/1.1 where the endpoint would have HTTP/2, and pages go on with it") {
  const Speaks speaks = GENERATE(Speaks::h1, Speaks::h2);
  const bool cold = GENERATE(true, false);
  CAPTURE(static_cast<int>(speaks), cold);
  Chain chain;
  if (!cold) CHECK(chain.proxy.get("/page").body == "page");
  talk(chain.proxy, speaks);
  talk(chain.proxy, speaks);
  for (int i = 0; i < 3; ++i) CHECK(chain.proxy.get("/page").body == "page");
  CHECK(chain.number("connections/opened_by_reason/upgrade") == 2);
  CHECK(chain.http2() == 1);
  CHECK(chain.all() == 3);
}

TEST_CASE("an idle HTTP/2 connection makes room for an upgrade at max_connections") {
  Chain chain("max_connections = 1");
  CHECK(chain.proxy.get("/page").body == "page");
  talk(chain.proxy, Speaks::h1);
  CHECK(chain.number("connections/opened_by_reason/upgrade") == 1);
  CHECK(chain.proxy.get("/page").body == "page");
  CHECK(chain.number("connections/opened_by_reason/evicted") == 1);
  CHECK(chain.http2() == 2);
  CHECK(chain.all() == 3);
}

TEST_CASE("an upgrade that waits for its connection holds up nobody who can share another one") {
  Gate go_on;
  Chain chain("max_connections = 1\nqueue_timeout = \"500ms\"", [&](OriginConnection& connection) {
    while (const std::optional<Request> request = connection.read_request()) {
      if (request->target == "/slow") go_on.wait();
      connection.send(ok(request->target));
    }
  });
  Client slow = chain.proxy.connect();
  slow.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
  REQUIRE(eventually([&] { return chain.origin.requests() == 1; }));
  Client upgrade = chain.proxy.connect();
  upgrade.send(kAsk);
  CHECK(chain.proxy.wait_number(ProxyProcess::endpoint(chain.inner.address(), "requests/queued"),
                                1) == 1);
  CHECK(chain.proxy.get("/page").body == "/page");
  CHECK(upgrade.read_response().status == 503);  // after queue_timeout
  go_on.open();
  CHECK(slow.read_response().body == "/slow");
  CHECK(chain.all() == 1);
}

TEST_CASE("max_connections is not exceeded for an upgrade that an idle connection cannot serve") {
  Chain chain("max_connections = 2");
  CHECK(chain.proxy.get("/page").body == "page");
  Client first = chain.proxy.connect();
  first.send(kAsk);
  CHECK(first.read_response_head().status == 101);
  Client second = chain.proxy.connect();
  second.send(kAsk);
  CHECK(second.read_response_head().status == 101);
  CHECK(chain.number("connections/open") == 2);
  for (Client* client : {&first, &second}) {
    client->send("hello");
    CHECK(client->read_exact(7) == "<hello>");
  }
}

TEST_CASE("who asks behind an upgrade gets the stream that it cannot use") {
  Gate go_on;
  Chain chain(
      "max_connections = 1\nqueue_timeout = \"20s\"",
      [&](OriginConnection& connection) {
        while (const std::optional<Request> request = connection.read_request()) {
          if (request->target == "/slow") go_on.wait();
          if (request->fields.has("Upgrade")) {
            connection.send(websocket_switch(*request));
            connection.wait_end();
            return;
          }
          connection.send(ok(request->target));
        }
      },
      "[server.http2]\nstreams = 1\n");
  const std::string queued = ProxyProcess::endpoint(chain.inner.address(), "requests/queued");
  Client slow = chain.proxy.connect();
  slow.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
  REQUIRE(eventually([&] { return chain.origin.requests() == 1; }));
  Client upgrade = chain.proxy.connect();
  upgrade.send(kAsk);
  REQUIRE(chain.proxy.wait_number(queued, 1) == 1);
  Client page = chain.proxy.connect();
  page.send(kGet);
  REQUIRE(chain.proxy.wait_number(queued, 2) == 2);
  go_on.open();
  CHECK(slow.read_response().body == "/slow");
  CHECK(page.read_response().body == "/page");
  CHECK(upgrade.read_response_head().status == 101);
}

TEST_CASE("an upgrade to any other protocol has HTTP/1.1, too, with a body or without") {
  const std::string body = GENERATE("", "{}");
  CAPTURE(body);
  Chain chain("", [](OriginConnection& connection) {
    const Request request = connection.must_read_request();
    connection.send("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n" +
                    request.body);
    connection.send("<" + connection.read_exact(5) + ">");
    connection.wait_end();
  });
  Client client = chain.proxy.connect();
  client.send(
      "POST /exec/1/start HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
      "Content-Length: " +
      std::to_string(body.size()) + "\r\n\r\n" + body);
  CHECK(client.read_response_head().status == 101);
  client.send("hello");
  CHECK(client.read_exact(body.size() + 7) == body + "<hello>");
  CHECK(chain.number("connections/opened_by_reason/upgrade") == 1);
}

TEST_CASE("an upgrade to TLS has no need of a connection of its own") {
  Chain chain("", ScriptedOrigin::always(ok("page")));
  const Response response = chain.proxy.exchange(
      "GET /page HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: TLS/1.2\r\n\r\n");
  CHECK(response.body == "page");
  CHECK(chain.http2() == 1);
  CHECK(chain.all() == 1);
}

TEST_CASE("a tunnel that is cut is cut for the origin, too, and has no proper end") {
  std::atomic<bool> reset = false;
  Chain chain("", [&](OriginConnection& connection) {
    connection.send(websocket_switch(connection.must_read_request()));
    reset = connection.read_rest().end == End::reset;
  });
  Client client = chain.proxy.connect();
  client.send(kAsk);
  REQUIRE(client.read_response_head().status == 101);
  client.reset();
  CHECK(eventually([&] { return reset.load(); }));
}

std::string content(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// An endpoint that wants a certificate and tells the origin whose it was.
struct Verified {
  Verified() {
    install(made.leaf({.names = {"first"}}));
    inner.emplace(ProxyConfig{
        .endpoints = {origin.address()},
        .more = listener_tls(made) + "client_certificates = \"required\"\nclient_ca = \"" +
                made.authority() + "\"\nclient_subject_field = \"X-Subject\"\n"});
    trusted = made.file("trusted.pem", content(made.authority()));
    proxy.emplace(ProxyConfig{
        .endpoints = {inner->address()},
        .upstream = GENERATE(as<std::string>(), "protocol = \"h1\"", "protocol = \"h2\""),
        .more = "[upstream.app.tls]\nreload_interval = \"50ms\"\nca = \"" + trusted +
                "\"\ncert = \"" + cert + "\"\nkey = \"" + key + "\"\n"});
  }
  void install(const CertificateFiles& files) {
    cert = made.file("ours.pem", content(files.cert));
    key = made.file("ours.key", content(files.key));
  }
  // Which of our certificates the endpoint saw.
  std::string subject() {
    const Response response = proxy->get();
    if (response.status != 200) return "";
    const std::string subject = origin.last().field("X-Subject");
    return subject.substr(0, subject.find(','));
  }
  int64_t opened() const {
    return proxy->stats().number(
        ProxyProcess::endpoint(inner->address(), "connections/opened_total"));
  }
  bool said(const std::string& words) const {
    return eventually([&] { return proxy->errors().find(words) != std::string::npos; });
  }

  Certificates made;
  ScriptedOrigin origin{ScriptedOrigin::always(ok("done"))};
  std::string cert, key, trusted;
  std::optional<ProxyProcess> inner;
  std::optional<ProxyProcess> proxy;
};

TEST_CASE("a renewed certificate of ours is shown to the endpoint, on new connections alone") {
  Verified chain;
  CHECK(chain.subject() == "CN=first");
  CHECK(chain.subject() == "CN=first");
  CHECK(chain.opened() == 1);
  const Stats stats = chain.proxy->stats();
  const auto& shown = stats.document()["upstreams"]["app"]["tls"]["certificates"];
  REQUIRE(shown.size() == 1);
  CHECK(shown[0]["subject"].get<std::string>().starts_with("CN=first,"));
  chain.install(chain.made.leaf({.names = {"second"}}));
  CHECK(eventually([&] { return chain.subject() == "CN=second"; }));
  CHECK(chain.subject() == "CN=second");
  CHECK(chain.opened() == 2);
  CHECK(chain.proxy->metrics().find("upstream=\"app\",file=\"" + chain.cert +
                                    "\",subject=\"CN=second,") != std::string::npos);
}

TEST_CASE("files for an upstream that are no good are refused with their reason, once") {
  Verified chain;
  CHECK(chain.subject() == "CN=first");
  const std::string which = GENERATE(as<std::string>(), "cert", "key", "ca");
  CAPTURE(which);
  chain.made.file("ours.pem", content(chain.cert));  // the same again
  if (which == "cert")
    chain.install(chain.made.leaf({.names = {"late"}, .from_days = -3, .to_days = -1}));
  if (which == "key") chain.made.file("ours.key", content(chain.made.leaf().key));
  if (which == "ca") chain.made.file("trusted.pem", "this is no certificate\n");
  CHECK(chain.said("the new files are refused and the old ones stay in use: tls." + which));
  CHECK(chain.subject() == "CN=first");
  CHECK(chain.opened() == 1);  // the old connection is as good as before
  CHECK(chain.proxy->errors().find("were read again") == std::string::npos);
  chain.install(chain.made.leaf({.names = {"second"}}));
  CHECK(eventually([&] { return chain.subject() == "CN=second"; }));
}

TEST_CASE("an authority that is trusted no longer is not trusted from the next connection on") {
  Verified chain;
  CHECK(chain.subject() == "CN=first");
  chain.made.file("trusted.pem", content(chain.made.stranger()));
  CHECK(eventually([&] { return chain.proxy->get().status == 502; }));
  chain.made.file("trusted.pem", content(chain.made.authority()));
  CHECK(eventually([&] { return chain.subject() == "CN=first"; }));
}

TEST_CASE("a reload that names other authorities trusts these, and no longer those before") {
  Chain chain;
  CHECK(chain.proxy.get().status == 200);
  ProxyConfig other{.endpoints = {chain.inner.address()}, .upstream = "protocol = \"auto\""};
  other.more = "[upstream.app.tls]\nca = \"" + chain.made.stranger() + "\"\n";
  REQUIRE(chain.proxy.reload(other));
  CHECK(chain.proxy.get().status == 502);
}

}  // namespace
}  // namespace onehop::test
