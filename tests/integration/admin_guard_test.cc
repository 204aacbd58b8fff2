// SPDX-License-Identifier: MIT
// What the admin endpoint holds against those who mean no good: foreign names, many connections,
// readers that never finish.
#include <chrono>

#include "tests/support/catch.h"
#include "tests/support/proxy_process.h"
#include "tests/support/scripted_origin.h"

namespace onehop::test {
namespace {

// Twenty upstreams that nobody talks to, and a route to each.
ProxyConfig twenty_upstreams(int endpoints_each = 6) {
  ProxyConfig config;
  config.routes = "";
  for (int i = 0; i < 20; ++i) {
    const std::string name = i == 0 ? "app" : "service-" + std::to_string(i);
    config.routes += "[[route]]\nhost = \"" + name + ".example.org\"\npath = \"/\"\nupstream = \"" +
                     name + "\"\n";
    std::string endpoints;
    for (int e = 0; e < endpoints_each; ++e) {
      const std::string address = "127.0.0.1:" + std::to_string(20'000 + i * endpoints_each + e);
      if (i == 0) config.endpoints.push_back(address);
      endpoints += (e == 0 ? "\"" : ", \"") + address + "\"";
    }
    if (i > 0) config.more += "[upstream." + name + "]\nendpoints = [" + endpoints + "]\n";
  }
  return config;
}

Response asked_as(const ProxyProcess& proxy, const std::string& head) {
  Client client = Peer::connect(proxy.admin_address());
  client.send(head);
  return client.read_response();
}

// The value of a sample in a document of /metrics.
double metric(const std::string& text, const std::string& sample) {
  const size_t at = text.find("\n" + sample + " ");
  REQUIRE(at != std::string::npos);
  return std::stod(text.substr(at + sample.size() + 2));
}

TEST_CASE("a page that makes a browser ask under a name of its own reads nothing") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  for (const std::string path : {"/config", "/stats", "/metrics", "/healthz", "/", "/nothing"}) {
    for (const std::string host : {"evil.example", "evil.example:9900", "127.0.0.1.evil.example",
                                   "localhost.evil.example"}) {
      CAPTURE(path, host);
      const Response refused =
          asked_as(proxy, "GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
      CHECK(refused.status == 421);
      CHECK(refused.body.find("\"" + host + "\"") != std::string::npos);
      CHECK(refused.body.find("admin.hosts") != std::string::npos);
      CHECK(refused.body.find(origin.address()) == std::string::npos);
    }
  }
  const Response absolute =
      asked_as(proxy, "GET http://evil.example/config HTTP/1.1\r\nHost: evil.example\r\n\r\n");
  CHECK(absolute.status == 421);
}

TEST_CASE(
    "addresses, local names and those of admin.hosts may be asked for, and HTTP/1.0 for none") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()},
                                 .admin = "hosts = [\"Metrics.example.org\", \"*.local\"]"});
  for (const std::string host : {proxy.admin_address().c_str(), "127.0.0.1", "localhost:9900",
                                 "[::1]:9900", "onehop", "metrics.example.org:9900", "a.b.local"}) {
    CAPTURE(host);
    CHECK(asked_as(proxy, "GET /healthz HTTP/1.1\r\nHost: " + host + "\r\n\r\n").status == 200);
  }
  CHECK(asked_as(proxy, "GET /healthz HTTP/1.1\r\nHost: example.org\r\n\r\n").status == 421);
  CHECK(asked_as(proxy, "GET /healthz HTTP/1.0\r\n\r\n").status == 200);
}

TEST_CASE("at the limit of connections the oldest gives way, so that whoever comes is served") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}, .admin = "connections = 8"});
  std::vector<Client> idle;
  for (int i = 0; i < 40; ++i) {
    Client& client = idle.emplace_back(Peer::connect(proxy.admin_address()));
    client.send("GET /healthz HTTP/1.1\r\nHost: onehop\r\n\r\n");
    REQUIRE(client.read_response().status == 200);
  }
  for (int i = 0; i < 32; ++i) CHECK(idle[static_cast<size_t>(i)].read_rest().bytes.empty());
  CHECK(metric(proxy.metrics(), "onehop_admin_connections_open") <= 8);
  CHECK(metric(proxy.metrics(), "onehop_admin_connections_shed_total") >= 33);
  CHECK(proxy.admin("/readyz").status == 200);
}

TEST_CASE("three hundred slow readers of /metrics share its bytes, and honest scrapes go on") {
  // More than the kernel takes for a reader who takes nothing.
  ProxyConfig config = twenty_upstreams(24);
  config.admin = "connections = 400\nmetrics_per_endpoint = true";
  ProxyProcess proxy(config);
  const size_t document = proxy.metrics().size();
  REQUIRE(document > 4'500'000);
  const auto began = std::chrono::steady_clock::now();
  std::vector<Client> slow;
  for (int i = 0; i < 300; ++i) {
    slow.push_back(Peer::connect(proxy.admin_address(), 4096));
    slow.back().send("GET /metrics HTTP/1.1\r\nHost: onehop\r\n\r\n");
  }
  for (Client& client : slow) REQUIRE(client.read_exact(15) == "HTTP/1.1 200 OK");
  for (int i = 0; i < 3; ++i) CHECK(proxy.metrics().size() > 4'500'000);
  CHECK(proxy.admin("/readyz").status == 200);
  const std::string seen = proxy.metrics();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  // One a second and a few for the answer that are none of /metrics; copies would be gigabytes.
  const double made = metric(seen, "onehop_admin_documents_total");
  CHECK(made <= took.count() + 4);
  CHECK(metric(seen, "onehop_admin_documents_held_bytes") <=
        made * 1.1 * static_cast<double>(document));
  CHECK(metric(seen, "onehop_admin_documents_held_bytes") <= 80e6);
  slow.clear();
  CHECK(eventually([&] { return metric(proxy.metrics(), "onehop_admin_connections_open") <= 1; }));
  CHECK(metric(proxy.metrics(), "onehop_admin_documents_held_bytes") <=
        2.2 * static_cast<double>(document));
}

TEST_CASE("a slow reader gets the whole document in the end, as it was when it asked") {
  ProxyConfig config = twenty_upstreams(24);
  config.admin = "metrics_per_endpoint = true";
  ProxyProcess proxy(config);
  Client slow = Peer::connect(proxy.admin_address(), 4096);
  slow.send("GET /metrics HTTP/1.1\r\nHost: onehop\r\nConnection: close\r\n\r\n");
  CHECK(proxy.admin("/stats").status == 200);
  const Response whole = slow.read_response();
  CHECK(whole.status == 200);
  CHECK(whole.body.starts_with("# HELP onehop_build_info"));
  CHECK(whole.complete);
  CHECK(whole.field("Content-Length") == std::to_string(whole.body.size()));
  CHECK(whole.body.ends_with("\n"));
  CHECK(whole.body.size() > 4'500'000);
}

TEST_CASE("three hundred slow readers at the default limit hold no more than their share") {
  ProxyProcess proxy(twenty_upstreams());
  std::vector<Client> slow;
  for (int i = 0; i < 300; ++i) {
    slow.push_back(Peer::connect(proxy.admin_address(), 4096));
    slow.back().try_send("GET /metrics HTTP/1.1\r\nHost: onehop\r\n\r\n");
    if (i % 50 == 0) CHECK(proxy.metrics().ends_with("\n"));
  }
  CHECK(metric(proxy.metrics(), "onehop_admin_connections_open") <= 64);
  CHECK(proxy.admin("/stats").status == 200);
}

TEST_CASE("an idle proxy of twenty upstreams is below six thousand series and sixty kilobytes") {
  ProxyProcess proxy(twenty_upstreams());
  const Response plain = proxy.admin("/metrics");
  size_t series = 0;
  for (size_t at = 0; at < plain.body.size(); at = plain.body.find('\n', at) + 1)
    series += plain.body[at] != '#';
  CHECK(series < 6000);
  const Response coded = proxy.admin("/metrics", "GET", "Accept-Encoding: gzip\r\n");
  CHECK(coded.field("Content-Encoding") == "gzip");
  CHECK(coded.field("Vary").find("Accept-Encoding") != std::string::npos);
  CHECK(coded.body.size() < 60'000);
  CHECK(coded.body.starts_with("\x1f\x8b"));
  CHECK(plain.field("Content-Encoding").empty());
  INFO(series << " series, " << plain.body.size() << " bytes, " << coded.body.size() << " coded");
  CHECK(proxy.admin("/metrics", "HEAD", "Accept-Encoding: gzip\r\n").field("Content-Length") ==
        std::to_string(coded.body.size()));
}

}  // namespace
}  // namespace onehop::test
