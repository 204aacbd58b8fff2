// SPDX-License-Identifier: MIT
// TLS and HTTP/2 over the life of the process: certificates that are renewed under it, and a drain
// that ends no stream in the middle.
#include <csignal>
#include <fstream>
#include <sstream>

#include "tests/support/catch.h"
#include "tests/support/certificates.h"
#include "tests/support/gate.h"
#include "tests/support/h2_client.h"
#include "tests/support/proxy_process.h"
#include "tests/support/scripted_origin.h"
#include "tests/support/tls_peer.h"

namespace onehop::test {
namespace {

std::string content(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

struct Site {
  Certificates made;
  ScriptedOrigin origin{ScriptedOrigin::always(ok("done"))};

  void install(const CertificateFiles& files) {
    cert = made.file("live.pem", content(files.cert));
    key = made.file("live.key", content(files.key));
  }
  ProxyConfig config() const {
    return {.endpoints = {origin.address()},
            .more = "[listener.tls]\nreload_interval = \"50ms\"\ncertificates = [{ cert = \"" +
                    cert + "\", key = \"" + key + "\" }]\n"};
  }
  std::string serial(const ProxyProcess& proxy) const {
    return TlsTunnel(proxy.address(), {.ca = made.authority()}).serial();
  }

  std::string cert, key;
};

TEST_CASE("a renewed certificate is served to new clients, and old connections go on") {
  Site site;
  site.install(site.made.leaf());
  ProxyProcess proxy(site.config());
  TlsTunnel tunnel(proxy.address(), {.ca = site.made.authority(), .alpn = "h2"});
  REQUIRE(tunnel.alpn() == "h2");
  H2Peer client(tunnel.take_peer());
  CHECK(client.response(client.request(h2_request())).body == "done");
  const std::string before = site.serial(proxy);
  CHECK(tunnel.serial() == before);
  site.install(site.made.leaf({.key = TestKey::rsa}));
  CHECK(eventually([&] { return site.serial(proxy) != before; }));
  CHECK(client.response(client.request(h2_request())).body == "done");
  CHECK_FALSE(client.goaway().has_value());
}

TEST_CASE("a new certificate that is no good is refused with its reason, and the old one stays") {
  Site site;
  site.install(site.made.leaf());
  ProxyProcess proxy(site.config());
  const std::string before = site.serial(proxy);
  const std::string reason =
      GENERATE(as<std::string>(), "no certificate", "expired", "another key");
  CAPTURE(reason);
  if (reason == "no certificate") site.made.file("live.pem", "this is no certificate\n");
  if (reason == "expired") site.install(site.made.leaf({.from_days = -3, .to_days = -1}));
  if (reason == "another key") site.made.file("live.key", content(site.made.leaf().key));
  CHECK(eventually([&] { return proxy.errors().find("live.") != std::string::npos; }));
  CAPTURE(proxy.errors());
  CHECK(site.serial(proxy) == before);
  // And one that is good again is taken.
  site.install(site.made.leaf());
  CHECK(eventually([&] { return site.serial(proxy) != before; }));
}

TEST_CASE("a certificate that is no good does not hold up the renewal of another one") {
  Site site;
  const CertificateFiles other = site.made.leaf({.names = {"other.test"}});
  site.install(site.made.leaf());
  ProxyConfig config = site.config();
  const std::string end = " }]";
  config.more.replace(config.more.find(end), end.size(),
                      " }, { cert = \"" + other.cert + "\", key = \"" + other.key + "\" }]");
  ProxyProcess proxy(config);
  const auto serial = [&](const std::string& name) {
    const TlsWish wish{.ca = site.made.authority(), .server_name = name};
    return TlsTunnel(proxy.address(), wish).serial();
  };
  const std::string kept = serial("other.test");
  const std::string renewed = serial("localhost");
  std::ofstream(other.cert) << "this is no certificate\n";
  site.install(site.made.leaf());
  CHECK(eventually([&] { return serial("localhost") != renewed; }));
  CHECK(serial("other.test") == kept);
  const std::string reason = "the new files are refused and the old ones stay in use";
  CHECK(eventually([&] { return proxy.errors().find(reason) != std::string::npos; }));
  CAPTURE(proxy.errors());
  CHECK(proxy.errors().find(reason) == proxy.errors().rfind(reason));
}

TEST_CASE("a drain says GOAWAY twice, and every stream that came before the second ends well") {
  Gate go_on;
  ScriptedOrigin origin([&](OriginConnection& connection) {
    while (const std::optional<Request> request = connection.read_request()) {
      if (request->target == "/slow") go_on.wait();
      connection.send(ok(request->target));
    }
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()},
                                 .server = "drain = \"20s\"\ndrain_idle = \"500ms\""});
  H2Peer client = H2Peer::connect(proxy.address());
  const int32_t slow = client.request(h2_request("GET", "/slow"));
  REQUIRE(eventually([&] { return origin.requests() == 1; }));
  proxy.signal(SIGTERM);
  REQUIRE(client.await([&] { return client.goaway_ids().size() == 1; }));
  CHECK(client.goaway_ids().front() == 0x7fffffff);
  CHECK(client.goaway() == kNoError);
  const int32_t late = client.request(h2_request("GET", "/late"));
  CHECK(client.response(late).body == "/late");
  REQUIRE(client.await([&] { return client.goaway_ids().size() == 2; }));
  CHECK(client.goaway_ids().back() == late);
  go_on.open();
  CHECK(client.response(slow).body == "/slow");
  CHECK_FALSE(client.await([] { return false; }));
  client.peer().close();
  CHECK(proxy.wait_exit(Deadline(patience(milliseconds(10000)))) == 0);
}

TEST_CASE("a drain ends an idle HTTP/2 connection with GOAWAY and a proper end, also over TLS") {
  Site site;
  site.install(site.made.leaf());
  ProxyProcess proxy(site.config());
  TlsTunnel tunnel(proxy.address(), {.ca = site.made.authority(), .alpn = "h2"});
  H2Peer client(tunnel.take_peer());
  CHECK(client.response(client.request(h2_request())).body == "done");
  proxy.signal(SIGTERM);
  REQUIRE(client.await([&] { return client.goaway().has_value(); }));
  CHECK(client.goaway() == kNoError);
  CHECK(client.peer().read_rest().end == End::closed);  // with close_notify
  client.peer().close();
  CHECK(proxy.wait_exit(Deadline(patience(milliseconds(10000)))) == 0);
}

}  // namespace
}  // namespace onehop::test
