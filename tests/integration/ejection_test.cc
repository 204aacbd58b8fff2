// SPDX-License-Identifier: MIT
// Endpoints that fail requests get none for a while, and the admin endpoint says so.
#include <nlohmann/json.hpp>

#include "tests/support/catch.h"
#include "tests/support/expect.h"
#include "tests/support/proxy_process.h"
#include "tests/support/scripted_origin.h"

namespace onehop::test {
namespace {

constexpr char kGet[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

// Nobody listens there any more.
std::string dead_address() {
  const ScriptedOrigin gone(ScriptedOrigin::always(ok("gone")));
  return gone.address();
}

ProxyConfig config_of(std::vector<std::string> endpoints, const std::string& ejection) {
  return {.endpoints = std::move(endpoints), .more = "[upstream.app.ejection]\n" + ejection};
}

nlohmann::json app_of(const ProxyProcess& proxy) {
  return proxy.stats().document().at("upstreams").at("app");
}

std::string state_of(const ProxyProcess& proxy, const std::string& address) {
  return app_of(proxy)["endpoints"][address]["health"]["state"];
}

int count_of(const ProxyProcess& proxy, const std::string& address, const std::string& path) {
  return app_of(proxy)["endpoints"][address].at(nlohmann::json::json_pointer(path)).get<int>();
}

TEST_CASE("an endpoint that refuses three requests in a row is ejected, whichever worker saw it") {
  ScriptedOrigin alive(ScriptedOrigin::always(ok("alive")));
  const std::string dead = dead_address();
  ProxyProcess proxy(
      config_of({dead, alive.address()}, "consecutive_failures = 3\ntime = \"10m\"\n"));
  // Each connection may be another worker's.
  CHECK(eventually([&] {
    Client client = proxy.connect();
    client.send(kGet);
    CHECK(client.read_response().body == "alive");
    return state_of(proxy, dead) == "ejected";
  }));
  CHECK(state_of(proxy, alive.address()) == "healthy");
  const auto upstream = app_of(proxy);
  CHECK(upstream["endpoints"][dead]["health"]["in_use"] == false);
  CHECK(upstream["health"]["ejections_total"]["failures"] == 1);
  const auto events = nlohmann::json::parse(proxy.admin("/events").body);
  CHECK(events["upstreams"]["app"].back()["endpoint"] == dead);
  CHECK(events["upstreams"]["app"].back()["event"] == "ejected");
  CHECK(proxy.metrics().find("onehop_upstream_endpoint_up{upstream=\"app\",endpoint=\"" + dead +
                             "\"} 0") != std::string::npos);
  CHECK(proxy.errors().find("is ejected: 3 requests in a row failed, the last one by connect") !=
        std::string::npos);
  // It is not asked any more.
  const int before = count_of(proxy, dead, "/connections/connect_failures_total");
  Client client = proxy.connect();
  for (int i = 0; i < 10; ++i) {
    client.send(kGet);
    CHECK(client.read_response().body == "alive");
  }
  CHECK(count_of(proxy, dead, "/connections/connect_failures_total") == before);
}

TEST_CASE("statuses count only where they are asked for, and those below 500 never") {
  const auto answering = [](const char* status) {
    return ScriptedOrigin::always("HTTP/1.1 " + std::string(status) +
                                  "\r\nContent-Length: 0\r\n\r\n");
  };
  ScriptedOrigin failing(answering("500 No"));
  ScriptedOrigin conflict(answering("409 No"));
  ScriptedOrigin limited(answering("429 No"));
  ProxyProcess proxy(config_of({failing.address(), conflict.address(), limited.address()},
                               "consecutive_failures = 2\nfailures = [\"5xx\"]\ntime = \"10m\"\n"));
  CHECK(eventually([&] {
    Client client = proxy.connect();
    client.send(kGet);
    client.read_response();
    return state_of(proxy, failing.address()) == "ejected";
  }));
  CHECK(state_of(proxy, conflict.address()) == "healthy");
  CHECK(state_of(proxy, limited.address()) == "healthy");

  ProxyProcess unasked(config_of({failing.address(), conflict.address()},
                                 "consecutive_failures = 2\ntime = \"10m\"\n"));
  Client client = unasked.connect();
  for (int i = 0; i < 20; ++i) {
    client.send(kGet);
    client.read_response();
  }
  CHECK(state_of(unasked, failing.address()) == "healthy");
}

TEST_CASE("an endpoint that was ejected is asked again when its time is over") {
  ScriptedOrigin alive(ScriptedOrigin::always(ok("alive")));
  const std::string dead = dead_address();
  ProxyProcess proxy(
      config_of({dead, alive.address()}, "consecutive_failures = 1\ntime = \"10ms\"\n"));
  CHECK(eventually([&] {
    Client client = proxy.connect();
    client.send(kGet);
    client.read_response();
    return count_of(proxy, dead, "/health/ejections_total") >= 2;
  }));
}

TEST_CASE(
    "a backup is asked when the endpoint before it is gone, and what is known survives a "
    "reload") {
  ScriptedOrigin backup(ScriptedOrigin::always(ok("backup")));
  ScriptedOrigin alive(ScriptedOrigin::always(ok("alive")));
  const std::string dead = dead_address();
  const ProxyConfig config =
      config_of({dead, "{ address = \"" + backup.address() + "\", backup = true }"},
                "consecutive_failures = 2\ntime = \"10m\"\n");
  ProxyProcess proxy(config);
  // The backup is no other endpoint to go to while it is not used.
  CHECK(eventually([&] {
    Client client = proxy.connect();
    client.send(kGet);
    return client.read_response().body == "backup";
  }));
  ProxyConfig other = config;
  other.server = "drain_idle = \"150ms\"\n";
  REQUIRE(proxy.reload(other));
  CHECK(state_of(proxy, dead) == "ejected");
  Client client = proxy.connect();
  client.send(kGet);
  CHECK(client.read_response().body == "backup");
}

}  // namespace
}  // namespace onehop::test
