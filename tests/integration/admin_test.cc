// SPDX-License-Identifier: MIT
// The admin endpoint as a client sees it: paths, methods, windows, and figures that agree with each
// other.
#include <nlohmann/json.hpp>

#include "tests/support/catch.h"
#include "tests/support/proxy_process.h"
#include "tests/support/scripted_origin.h"

namespace onehop::test {
namespace {

constexpr const char* kPhases[] = {"request_head_read", "route_and_queue_wait",  "pool_wait",
                                   "connect",           "request_write",         "response_wait",
                                   "response_body",     "downstream_write_stall"};

TEST_CASE("every document of the admin endpoint is served with its type") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  struct Row {
    std::string path;
    std::string type;
  };
  for (const Row& row :
       {Row{"/healthz", "text/plain"}, Row{"/readyz", "text/plain"},
        Row{"/stats", "application/json"}, Row{"/metrics", "text/plain; version=0.0.4"},
        Row{"/config", "application/json"}, Row{"/stats?window=10s", "application/json"},
        Row{"/stats?window=1m", "application/json"}, Row{"/stats?window=5m", "application/json"},
        Row{"/stats?window=total", "application/json"}}) {
    CAPTURE(row.path);
    const Response got = proxy.admin(row.path);
    CHECK(got.status == 200);
    CHECK(got.field("Content-Type").starts_with(row.type));
    CHECK_FALSE(got.body.empty());
    const Response head = proxy.admin(row.path, "HEAD");
    CHECK(head.status == 200);
    CHECK(head.field("Content-Type") == got.field("Content-Type"));
  }
}

TEST_CASE("what the admin endpoint does not serve is refused in its own way") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  for (const char* path : {"/nothing", "/stats/", "/statsx", "/metrics/x"}) {
    CAPTURE(path);
    CHECK(proxy.admin(path).status == 404);
  }
  for (const char* path : {"/healthz", "/readyz", "/stats", "/metrics", "/config"}) {
    CAPTURE(path);
    for (const char* method : {"POST", "DELETE", "PUT"}) {
      const Response response = proxy.admin(path, method);
      CHECK(response.status == 405);
      CHECK(response.fields.has_token("Allow", "GET"));
    }
  }
  CHECK(proxy.admin("/stats?window=3h").status == 400);
  CHECK(origin.accepts() == 0);
}

TEST_CASE("the admin endpoint keeps its connections and is as strict as the proxy") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  Client client = Peer::connect(proxy.admin_address());
  client.send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\nGET /readyz HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(client.read_response().status == 200);
  CHECK(client.read_response().status == 200);
  client.send("GET /healthz HTTP/1.1\nHost: a\n\n");
  CHECK(client.read_response().status == 400);
  CHECK(client.wait_end() == End::closed);
}

TEST_CASE("requests to the admin endpoint are not counted as traffic") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  for (int i = 0; i < 5; ++i) proxy.stats();
  const Stats stats = proxy.stats();
  CHECK(stats.number("downstream/requests/total") == 0);
  CHECK(stats.number("downstream/connections/accepted_total") == 0);
}

TEST_CASE("every path that is promised is there, before any request too") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  const Stats stats = proxy.stats();
  for (const char* name : {"accepted_total", "open", "rate_1s", "rate_10s", "rate_60s"}) {
    CHECK(stats.real(std::string("downstream/connections/") + name) == 0);
  }
  CHECK(stats.number("downstream/requests/total") == 0);
  const std::string at = "upstreams/app/endpoints/" + origin.address() + "/";
  for (const char* name : {"opened_total", "reused_total", "open", "idle", "reuse_ratio", "rate_1s",
                           "rate_10s", "rate_60s"}) {
    CHECK(stats.real(at + "connections/" + name) == 0);
  }
  CHECK(stats.has(at + "connections/opened_by_reason"));
  CHECK(stats.number(at + "requests/total") == 0);
  CHECK(stats.number(at + "requests/in_flight") == 0);
  CHECK(stats.has(at + "requests/by_class"));
  for (const std::string phase : kPhases) {
    for (const char* name :
         {"count", "mean_us", "p50_us", "p90_us", "p95_us", "p99_us", "p999_us", "max_us"}) {
      CHECK(stats.number(at + "phases/" + phase + "/" + name) == 0);
    }
  }
  CHECK(stats.has(at + "phases/total"));
}

TEST_CASE("the phases add up to the total, and each is counted once for each request") {
  ScriptedOrigin origin([](OriginConnection& connection) {
    while (connection.read_request()) {
      if (!connection.quiet_for(milliseconds(3))) return;  // a response that takes a while
      connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
      if (!connection.quiet_for(milliseconds(2))) return;
      connection.send("world");
    }
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  constexpr int64_t kRequests = 40;
  for (int i = 0; i < kRequests; ++i) REQUIRE(proxy.get().status == 200);
  const std::string at = "upstreams/app/endpoints/" + origin.address() + "/";
  REQUIRE(proxy.wait_number(at + "phases/total/count", kRequests) == kRequests);
  const Stats stats = proxy.stats();
  int64_t sum = 0;
  for (const std::string phase : kPhases) {
    CAPTURE(phase);
    CHECK(stats.number(at + "phases/" + phase + "/count") == kRequests);
    sum += stats.number(at + "phases/" + phase + "/mean_us") * kRequests;
  }
  const int64_t total = stats.number(at + "phases/total/mean_us") * kRequests;
  // Each mean is rounded to a microsecond: eight phases and the total, half a microsecond each.
  CHECK(std::abs(sum - total) <= kRequests * 5);
  CHECK(stats.number(at + "phases/response_wait/mean_us") >= 3000);
  CHECK(stats.number(at + "phases/response_body/mean_us") >= 2000);
  CHECK(stats.number(at + "phases/total/max_us") >= stats.number(at + "phases/total/p50_us"));
  CHECK(stats.number(at + "phases/proxy_overhead/mean_us") <
        stats.number(at + "phases/response_wait/mean_us"));
}

TEST_CASE("a window holds what just happened") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  for (int i = 0; i < 10; ++i) REQUIRE(proxy.get().status == 200);
  const std::string path = "upstreams/app/endpoints/" + origin.address() + "/phases/total/count";
  for (const char* window : {"10s", "1m", "5m", "total"}) {
    CAPTURE(window);
    CHECK(eventually([&] { return proxy.stats(window).number(path) == 10; }));
  }
  CHECK(eventually([&] { return proxy.stats().real("downstream/connections/rate_10s") > 0; }));
}

TEST_CASE("metrics are exposed for Prometheus, and as OpenMetrics when asked for") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  for (int i = 0; i < 3; ++i) REQUIRE(proxy.get().status == 200);
  const std::string count = "upstreams/app/endpoints/" + origin.address() + "/phases/total/count";
  REQUIRE(proxy.wait_number(count, 3) == 3);
  const Response open = proxy.admin(
      "/metrics", "GET", "Accept: application/openmetrics-text;version=1.0.0,*/*;q=0.1\r\n");
  CHECK(open.field("Content-Type").starts_with("application/openmetrics-text"));
  CHECK(open.body.ends_with("# EOF\n"));
  const std::string text = proxy.metrics();
  CHECK(text.find("# EOF") == std::string::npos);
  CHECK(text.find("# TYPE onehop_downstream_connections_accepted_total counter") !=
        std::string::npos);
  CHECK(text.find("_seconds_bucket{") != std::string::npos);
  CHECK(text.find("le=\"+Inf\"} 3\n") != std::string::npos);
  CHECK(text.find("\nonehop_downstream_connections_accepted_total 3\n") != std::string::npos);
}

TEST_CASE("the configuration shown is the effective one") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}, .pool = "max_idle = 7"});
  const nlohmann::json config = nlohmann::json::parse(proxy.admin("/config").body);
  CHECK(config.dump().find(origin.address()) != std::string::npos);
  CHECK(config.dump().find("\"max_idle\":7") != std::string::npos);
  CHECK(config.dump().find("\"max_queue\":1024") != std::string::npos);  // a default
}

}  // namespace
}  // namespace onehop::test
