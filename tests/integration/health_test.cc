// SPDX-License-Identifier: MIT
// Endpoints are asked whether they are well, and those that are not get no requests.
#include <atomic>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "tests/support/catch.h"
#include "tests/support/certificates.h"
#include "tests/support/expect.h"
#include "tests/support/gate.h"
#include "tests/support/h2_origin.h"
#include "tests/support/proxy_chain.h"
#include "tests/support/scripted_origin.h"

namespace onehop::test {
namespace {

using namespace std::string_literals;

constexpr char kGet[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr char kQuick[] = "interval = \"20ms\"\nunhealthy_interval = \"20ms\"\n";

std::string answer_of(int status, const std::string& body) {
  return "HTTP/1.1 " + std::to_string(status) +
         " Said\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

bool is_check(const Request& request) {
  return request.field("User-Agent") == "onehop-health-check";
}

// A replica whose health page says what the test wants, and who answers requests with its name.
struct Replica {
  explicit Replica(std::string named) : name(std::move(named)) {}

  std::string name;
  std::atomic<int> status = 200;
  std::atomic<int> checks = 0;
  ScriptedOrigin origin{ScriptedOrigin::answering([this](const Request& request) {
    if (!is_check(request)) return ok(name);
    ++checks;
    return request.method == "HEAD"
               ? "HTTP/1.1 " + std::to_string(status) + " Said\r\nContent-Length: 4000\r\n\r\n"
               : answer_of(status, "state: fine");
  })};
};

ProxyConfig config_of(std::vector<std::string> endpoints, const std::string& health) {
  return {.endpoints = std::move(endpoints), .more = "[upstream.app.health]\n" + health};
}

nlohmann::json app_of(const ProxyProcess& proxy) {
  return proxy.stats().document().at("upstreams").at("app");
}
nlohmann::json health_of(const ProxyProcess& proxy, const std::string& address) {
  return app_of(proxy)["endpoints"][address]["health"];
}
bool becomes(const ProxyProcess& proxy, const std::string& address, const std::string& state) {
  return eventually([&] { return health_of(proxy, address)["state"] == state; });
}
bool has_passed(const ProxyProcess& proxy) {
  return eventually([&] {
    const auto health = app_of(proxy)["health"];
    return health["checks_total"] > health["checks_failed_total"];
  });
}

TEST_CASE("a replica whose health page says no gets no requests until it says yes again") {
  Replica one("one");
  Replica two("two");
  ProxyProcess proxy(config_of({one.origin.address(), two.origin.address()},
                               std::string(kQuick) + "path = \"/healthz?deep=1\"\n"));
  CHECK(has_passed(proxy));
  CHECK(one.origin.seen().front().target == "/healthz?deep=1");
  CHECK(one.origin.seen().front().field("Host") == one.origin.address());
  one.status = 503;
  REQUIRE(becomes(proxy, one.origin.address(), "unhealthy"));
  CHECK(health_of(proxy, one.origin.address())["why"] == "it answered 503");
  CHECK(health_of(proxy, one.origin.address())["in_use"] == false);
  Client client = proxy.connect();
  for (int i = 0; i < 10; ++i) {
    client.send(kGet);
    CHECK(client.read_response().body == "two");
  }
  CHECK(proxy.metrics().find("onehop_upstream_endpoint_up{upstream=\"app\",endpoint=\"" +
                             one.origin.address() + "\"} 0") != std::string::npos);
  CHECK(proxy.errors().find(one.origin.address() + " is unhealthy: it answered 503") !=
        std::string::npos);
  one.status = 200;
  REQUIRE(becomes(proxy, one.origin.address(), "healthy"));
  CHECK(eventually([&] { return proxy.get().body == "one"; }));
  const auto events = nlohmann::json::parse(proxy.admin("/events").body);
  CHECK(events["upstreams"]["app"].back()["event"] == "healthy");
  const std::string metrics = proxy.metrics();
  CHECK(metrics.find("onehop_upstream_health_checks_total{upstream=\"app\",result=\"passed\"} 0") ==
        std::string::npos);
  CHECK(metrics.find("onehop_upstream_health_checks_total{upstream=\"app\",result=\"failed\"} ") !=
        std::string::npos);
}

TEST_CASE("a replica that is gone is unhealthy, and healthy once it is there") {
  Replica alive("alive");
  const std::string dead = unused_address();
  ProxyProcess proxy(config_of({alive.origin.address(), dead}, kQuick));
  REQUIRE(becomes(proxy, dead, "unhealthy"));
  CHECK(health_of(proxy, dead)["why"] == "it refused the connection");
  CHECK(health_of(proxy, alive.origin.address())["state"] == "healthy");
}

TEST_CASE("a replica that accepts and stays silent fails its checks by the timeout") {
  Replica alive("alive");
  ScriptedOrigin silent([](OriginConnection& connection) {
    connection.read_request();
    connection.wait_end();
  });
  ProxyProcess proxy(config_of({alive.origin.address(), silent.address()},
                               std::string(kQuick) + "timeout = \"50ms\"\n"));
  REQUIRE(becomes(proxy, silent.address(), "unhealthy"));
  CHECK(health_of(proxy, silent.address())["why"] == "no whole answer within 50ms");
}

TEST_CASE("a body without what is looked for fails, and HEAD passes without one") {
  Replica one("one");
  Replica two("two");
  ProxyProcess proxy(config_of({one.origin.address(), two.origin.address()},
                               std::string(kQuick) + "body = \"ready\"\n"));
  CHECK(becomes(proxy, one.origin.address(), "unhealthy"));
  CHECK(health_of(proxy, one.origin.address())["why"] ==
        "it answered 200 without \"ready\" in the body");
  REQUIRE(proxy.reload(config_of({one.origin.address(), two.origin.address()},
                                 std::string(kQuick) + "method = \"HEAD\"\n")));
  CHECK(becomes(proxy, one.origin.address(), "healthy"));
  CHECK(one.origin.last().method == "HEAD");
}

TEST_CASE("a check of tcp asks for a connection and nothing else") {
  Replica alive("alive");
  const std::string dead = unused_address();
  ProxyProcess proxy(
      config_of({alive.origin.address(), dead}, std::string(kQuick) + "check = \"tcp\"\n"));
  REQUIRE(becomes(proxy, dead, "unhealthy"));
  CHECK(has_passed(proxy));
  CHECK(health_of(proxy, alive.origin.address())["state"] == "healthy");
  CHECK(alive.checks == 0);
}

TEST_CASE("a server of grpc.health.v1 is asked for a service and believed") {
  std::atomic<int> status = 1;
  ScriptedOrigin origin(h2_script([&](H2Peer& peer, int32_t id) {
    const std::string message = "\0\0\0\0\x02\x08"s + static_cast<char>(status.load());
    peer.send(
        h2_headers(id, {{":status", "200"}, {"content-type", "application/grpc"}}, kEndHeaders));
    peer.data(id, message);
    peer.send(h2_headers(id, {{"grpc-status", "0"}}, kEndHeaders | kEndStream));
  }));
  ScriptedOrigin other([](OriginConnection& connection) {
    connection.read_exact(24);
    connection.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
  });
  ProxyConfig config = config_of({origin.address(), other.address()},
                                 std::string(kQuick) + "check = \"grpc\"\nservice = \"shop\"\n");
  config.upstream = "protocol = \"h2\"\n";
  ProxyProcess proxy(config);
  REQUIRE(has_passed(proxy));
  CHECK(health_of(proxy, origin.address())["state"] == "healthy");
  status = 2;
  REQUIRE(becomes(proxy, origin.address(), "unhealthy"));
  CHECK(health_of(proxy, origin.address())["why"] == "it is NOT_SERVING");
  CHECK(becomes(proxy, other.address(), "unhealthy"));  // that is no HTTP/2
  status = 1;
  CHECK(becomes(proxy, origin.address(), "healthy"));
}

TEST_CASE("with start = checked a replica gets no request before its first check has passed") {
  Gate gate;
  std::atomic<int> early = 0;
  ScriptedOrigin origin([&](OriginConnection& connection) {
    while (const auto request = connection.read_request()) {
      if (!is_check(*request) && early == 0) early = -1;
      if (is_check(*request)) {
        gate.wait();
        if (early == 0) early = 1;
      }
      connection.send(ok("up"));
    }
  });
  ProxyProcess proxy(config_of({origin.address()},
                               std::string(kQuick) + "start = \"checked\"\ntimeout = \"10m\"\n"));
  CHECK(health_of(proxy, origin.address())["state"] == "unchecked");
  CHECK(health_of(proxy, origin.address())["in_use"] == false);
  CHECK(proxy.get().status == 503);
  CHECK(proxy.stats().number("downstream/requests/outcomes/no_endpoint") == 1);
  gate.open();
  REQUIRE(becomes(proxy, origin.address(), "healthy"));
  CHECK(proxy.get().body == "up");
  CHECK(early == 1);
}

TEST_CASE("a process of four workers asks a replica once per interval") {
  Replica replica("one");
  ProxyConfig config = config_of({replica.origin.address()}, "interval = \"100ms\"\n");
  config.server = "workers = 4\n";
  ProxyProcess proxy(config);
  CHECK(eventually([&] { return replica.checks >= 10; }));
  const auto checks = app_of(proxy)["health"]["checks_total"].get<int>();
  CHECK(std::abs(replica.checks - checks) <= 2);
}

TEST_CASE("a reload begins to ask, and ceases to") {
  Replica one("one");
  Replica two("two");
  const std::vector<std::string> both = {one.origin.address(), two.origin.address()};
  ProxyProcess proxy(ProxyConfig{.endpoints = both});
  one.status = 500;
  CHECK(app_of(proxy)["health"]["checks_total"] == 0);
  REQUIRE(proxy.reload(config_of(both, kQuick)));
  REQUIRE(becomes(proxy, one.origin.address(), "unhealthy"));
  REQUIRE(proxy.reload(ProxyConfig{.endpoints = both}));
  CHECK(health_of(proxy, one.origin.address())["state"] == "healthy");
  CHECK(health_of(proxy, one.origin.address())["why"] == "there are no health checks now");
}

TEST_CASE("checks are over TLS as the upstream is") {
  Replica replica("inside");
  Certificates made;
  ProxyProcess inner(
      ProxyConfig{.endpoints = {replica.origin.address()}, .more = listener_tls(made)});
  for (const char* const check : {"http", "tcp"}) {
    ProxyConfig config = config_of({inner.address()}, std::string(kQuick) + "check = \"" + check +
                                                          "\"\n[upstream.app.tls]\nca = \"" +
                                                          made.authority() + "\"\n");
    ProxyProcess proxy(config);
    CHECK(has_passed(proxy));
    CHECK(app_of(proxy)["health"]["checks_failed_total"] == 0);
    ProxyConfig stranger = config_of({inner.address()}, std::string(kQuick) + "check = \"" + check +
                                                            "\"\n[upstream.app.tls]\nca = \"" +
                                                            made.stranger() + "\"\n");
    REQUIRE(proxy.reload(stranger));
    CHECK(becomes(proxy, inner.address(), "unhealthy"));
    const std::string why = health_of(proxy, inner.address())["why"];
    CHECK(why.starts_with("no TLS with it: "));
  }
}

TEST_CASE("checks are in HTTP/2 where the upstream speaks it, with and without TLS") {
  Replica replica("inside");
  Certificates made;
  ProxyConfig plain{.endpoints = {replica.origin.address()}};
  ProxyConfig secret = plain;
  secret.more = listener_tls(made);
  for (const bool tls : {false, true}) {
    ProxyProcess inner(tls ? secret : plain);
    ProxyConfig config = config_of({inner.address()}, std::string(kQuick) + "body = \"fine\"\n");
    config.upstream = tls ? "protocol = \"auto\"\n" : "protocol = \"h2\"\n";
    if (tls) config.more += "[upstream.app.tls]\nca = \"" + made.authority() + "\"\n";
    ProxyProcess proxy(config);
    CHECK(has_passed(proxy));
    CHECK(app_of(proxy)["health"]["checks_failed_total"] == 0);
    CHECK(inner.stats().number("downstream/connections/h2_total") > 0);
  }
}

TEST_CASE("a renewed authority is believed by checks, too") {
  Replica replica("inside");
  Certificates made;
  ProxyProcess inner(
      ProxyConfig{.endpoints = {replica.origin.address()}, .more = listener_tls(made)});
  const std::string ca = made.file("trusted.pem", read_file(made.authority()));
  ProxyProcess proxy(config_of({inner.address()}, std::string(kQuick) +
                                                      "[upstream.app.tls]\nca = \"" + ca +
                                                      "\"\nreload_interval = \"20ms\"\n"));
  CHECK(has_passed(proxy));
  made.file("trusted.pem", read_file(made.stranger()));
  CHECK(becomes(proxy, inner.address(), "unhealthy"));
  made.file("trusted.pem", read_file(made.authority()));
  CHECK(becomes(proxy, inner.address(), "healthy"));
}

}  // namespace
}  // namespace onehop::test
