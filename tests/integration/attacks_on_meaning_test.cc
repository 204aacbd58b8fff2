// SPDX-License-Identifier: MIT
// Attacks that work by what the proxy and whoever is behind it understand differently, and by
// handshakes, each with honest clients beside it (docs/resilience.md); at the end many of them at
// once. attacks_test.cc has those that make the proxy work or hold.
#include "tests/support/catch.h"
#include "tests/support/certificates.h"
#include "tests/support/h2_client.h"
#include "tests/support/h2_victim.h"
#include "tests/support/proxy_chain.h"
#include "tests/support/tls_peer.h"

namespace onehop::test {
namespace {

const char* const kHonest = "GET /honest HTTP/1.1\r\nHost: a\r\n\r\n";

// An honest client on a connection that it keeps.
class Honest {
 public:
  explicit Honest(const ProxyProcess& proxy) : client_(proxy.connect()) {}
  bool is_served() {
    client_.send(kHonest);
    return client_.read_response().status == 200;
  }

 private:
  Client client_;
};

TEST_CASE("28: who says that it is somebody is nobody, while somebody is whom it shows to be") {
  Certificates made;
  ScriptedOrigin origin(ScriptedOrigin::answering([](const Request& request) {
    return ok(request.fields.get("X-Client-Subject").value_or("nobody"));
  }));
  ProxyProcess proxy(ProxyConfig{
      .endpoints = {origin.address()},
      .listener = listener_tls(made) + "client_certificates = \"optional\"\nclient_ca = \"" +
                  made.authority() + "\"\nclient_subject_field = \"X-Client-Subject\"\n"});
  const CertificateFiles own = made.leaf({.names = {"client.test"}});
  TlsTunnel honest_tunnel(proxy.address(),
                          {.ca = made.authority(), .cert = own.cert, .key = own.key});
  Peer honest = honest_tunnel.take_peer();
  TlsTunnel tunnel(proxy.address(), {.ca = made.authority()});
  Peer attacker = tunnel.take_peer();
  for (const char* name :
       {"X-Client-Subject", "X.Client.Subject", "x_client_subject", "X!Client~Subject",
        "X-Client_Subject", "X'Client`Subject", "X+Client|Subject", "X*CLIENT^SUBJECT"}) {
    INFO(name);
    attacker.send("GET / HTTP/1.1\r\nHost: a\r\n" + std::string(name) + ": CN=admin\r\n\r\n");
    CHECK(attacker.read_response().body == "nobody");
    CHECK(origin.last().head.find("CN=admin") == std::string::npos);
    honest.send(kHonest);
    CHECK(honest.read_response().body == "CN=client.test,O=onehop tests");
  }
}

TEST_CASE("32: no spelling leads around a route, and honest paths lead where they always did") {
  const auto named = [](const char* who) {
    return ScriptedOrigin::answering(
        [who](const Request& request) { return ok(std::string(who) + " " + request.target); });
  };
  ScriptedOrigin site(named("site"));
  ScriptedOrigin guarded(named("guarded"));
  ProxyProcess proxy(
      ProxyConfig{.endpoints = {site.address()},
                  .routes = "[[route]]\npath = \"/static\"\nupstream = \"app\"\n"
                            "[[route]]\npath = \"/admin\"\nupstream = \"guarded\"\n",
                  .more = "[upstream.guarded]\nendpoints = [\"" + guarded.address() + "\"]\n"});
  Client honest = proxy.connect();
  for (const char* path :
       {"/static/../admin", "/static/./../admin", "/static/%2e%2e/admin", "/static/.%2E/admin/",
        "/static/..%2fadmin", "/static/..%5cadmin", "/static/..;/admin", "/static/x/../../admin",
        "/static//../../admin", "//admin", "/%61dmin", "/admi%6E/", "/admin;a=b", "/ADMIN",
        "/static/%252e%252e/admin", "/static/..%00/admin"}) {
    INFO(path);
    const Response response = proxy.get(path);
    // Whoever is asked of the site was asked for something below /static, dots and all.
    if (response.status == 200 && response.body.rfind("site", 0) == 0) {
      CHECK(response.body.rfind("site /static/", 0) == 0);
      CHECK(response.body.find("..") == std::string::npos);
    }
    honest.send("GET /static/a%20b/c.css?v=../1 HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(honest.read_response().body == "site /static/a%20b/c.css?v=../1");
  }
}

TEST_CASE("33: requests that one replica refuses are done by others, beside honest clients") {
  constexpr int kRequests = 60;
  std::atomic<int> refused = 0;
  ScriptedOrigin bad([&](OriginConnection& connection) {
    H2Peer peer(connection, H2Peer::Role::server);
    while (const int32_t id = peer.accept()) {
      ++refused;
      peer.send(h2_reset(id, kRefusedStream));
    }
  });
  const ScriptedOrigin::Script answering = [](OriginConnection& connection) {
    H2Peer peer(connection, H2Peer::Role::server);
    while (const int32_t id = peer.accept()) {
      peer.finish(id);
      peer.send(h2_headers(id, {{":status", "200"}}, kEndHeaders | kEndStream));
    }
  };
  ScriptedOrigin good(answering);
  ScriptedOrigin other(answering);
  ProxyProcess proxy(ProxyConfig{.endpoints = {bad.address(), good.address(), other.address()},
                                 .upstream = "protocol = \"h2\""});
  Honest honest(proxy);
  H2Peer attacker = H2Peer::connect(proxy.address());
  std::vector<int32_t> ids;
  bool served = true;
  for (int i = 0; i < kRequests; ++i) {
    ids.push_back(attacker.request(h2_request("POST", "/many")));
    if (i % 10 == 0) served &= honest.is_served();
  }
  for (const int32_t id : ids) CHECK(attacker.response(id).status == 200);
  CHECK(served);
  CHECK(honest.is_served());
  const auto honest_ones = proxy.stats().number("downstream/requests/total") - kRequests;
  CHECK(refused <= kRequests + honest_ones);  // each asked there once at most
}

TEST_CASE("30: handshakes that are begun and left keep nobody waiting, and nothing of them stays") {
  constexpr int kConnections = 200;
  const std::string hello = client_hello();
  Certificates made;
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(
      ProxyConfig{.endpoints = {origin.address()},
                  .more = "[[listener]]\naddress = \"127.0.0.1:0\"\n" + listener_tls(made)});
  Honest honest(proxy);
  const std::string secure = proxy.second_address();
  bool served = true;
  for (int i = 0; i < kConnections; ++i) {
    Client attacker = Peer::connect(secure);
    attacker.try_send(hello);
    if (i % 20 == 0) served &= honest.is_served();
  }
  CHECK(served);
  CHECK(honest.is_served());
  TlsTunnel late(secure, {.ca = made.authority()});
  Peer peer = late.take_peer();
  peer.send(kHonest);
  CHECK(peer.read_response().body == "done");
  // The honest client, and the one that came late.
  CHECK(proxy.wait_number("downstream/connections/open", 2) == 2);
}

// What somebody does who does not mean well, and then is gone.
using Misdeed = std::function<void(const H2Victim&)>;

void stream_burst(const H2Victim& victim, const H2Settings& settings, bool resets) {
  H2Peer attacker = victim.connect(settings);
  std::string burst;
  for (int32_t id = 1; id < 80; id += 2) {
    burst += h2_headers(id, h2_request(), kEndHeaders | kEndStream).wire();
    if (resets) burst += h2_reset(id).wire();
  }
  attacker.try_send(burst);
}

void frame_burst(const H2Victim& victim) {
  H2Peer attacker = victim.connect();
  std::string burst;
  for (int i = 0; i < 500; ++i)
    burst += H2Frame{H2Type::ping, 0, 0, "12345678"}.wire() + h2_settings({}).wire();
  attacker.try_send(burst);
}

Misdeed saying(const std::string& bytes) {
  return [bytes](const H2Victim& victim) { victim.proxy.connect().try_send(bytes); };
}

std::vector<Misdeed> misdeeds() {
  const std::string post = "POST /a HTTP/1.1\r\nHost: a\r\n";
  const std::string get = "GET /many HTTP/1.1\r\nHost: a\r\n\r\n";
  std::string gets, chunks;
  for (int i = 0; i < 50; ++i) gets += get;
  for (int i = 0; i < 2000; ++i) chunks += "1\r\nx\r\n";
  return {
      [](const H2Victim& victim) { stream_burst(victim, {}, true); },
      // Answers that nobody lets in.
      [](const H2Victim& victim) {
        stream_burst(victim, {{kInitialWindowSize, 0}}, false);
      },
      frame_burst,
      saying(post + "Content-Length: 100000\r\n\r\nabc"),
      saying(post + "Transfer-Encoding: chunked\r\n\r\n" + chunks),
      saying(post + "X-Half"),
      saying(gets),
      saying("\x16\x03\x01\r\n\r\n"),
  };
}

TEST_CASE("37: whatever was done at once, gauges are 0 and counts the origin's afterwards") {
  H2Victim victim(ok(noise(64 << 10)));
  bool served = true;
  for (int round = 0; round < 3; ++round) {
    std::vector<std::thread> attackers;
    for (const Misdeed& misdeed : misdeeds()) {
      attackers.emplace_back([&victim, misdeed] {
        try {
          misdeed(victim);
        } catch (const PeerError&) {
          return;  // it was thrown out
        }
      });
    }
    for (int i = 0; i < 4; ++i) served &= victim.serves();
    for (std::thread& attacker : attackers) attacker.join();
    served &= victim.serves();
  }
  CHECK(served);
  const auto is = [&](const std::string& path, int64_t value) {
    INFO(path);
    CHECK(victim.proxy.wait_number(path, value) == value);
  };
  const auto endpoint = [&](const char* rest) {
    return ProxyProcess::endpoint(victim.origin.address(), rest);
  };
  is("downstream/connections/open", 0);
  is("downstream/requests/in_flight", 0);
  is(endpoint("requests/in_flight"), 0);
  is(endpoint("requests/queued"), 0);
  is(endpoint("connections/connecting"), 0);
  const Stats stats = victim.proxy.stats();
  CHECK(stats.number(endpoint("connections/open")) == stats.number(endpoint("connections/idle")));
  const int64_t opened = stats.number(endpoint("connections/opened_total"));
  // A dial that nobody waited for any more may have been accepted.
  const int64_t most = opened + stats.number(endpoint("connections/dials_given_up_total"));
  CHECK(eventually([&] { return victim.origin.accepts() >= opened; }));
  CHECK(victim.origin.accepts() <= most);
}

}  // namespace
}  // namespace onehop::test
