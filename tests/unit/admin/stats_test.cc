// SPDX-License-Identifier: MIT
// The document of /stats: every path that docs/admin.md promises, and the numbers behind them.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/support/catch.h"
#include "tests/support/source_tree.h"
#include "tests/unit/admin/running.h"

namespace onehop::admin {
namespace {

using Json = nlohmann::json;
using test::Running;

constexpr uint64_t kMs = 1'000'000;

Json stats(const Running& running, std::string_view query = "") {
  return Json::parse(running.get("/stats" + std::string(query)).body);
}

std::set<std::string> keys(const Json& object) {
  std::set<std::string> found;
  for (const auto& [key, value] : object.items()) found.insert(key);
  return found;
}

const std::set<std::string> kDistribution = {"count",  "mean_us", "p50_us",  "p90_us",
                                             "p95_us", "p99_us",  "p999_us", "max_us"};
const std::set<std::string> kClasses = {"1xx", "2xx", "3xx", "4xx", "5xx", "none"};

const std::set<std::string> kConnections = {"accepted_total",
                                            "open",
                                            "idle",
                                            "rate_1s",
                                            "rate_10s",
                                            "rate_60s",
                                            "rate_peak",
                                            "closed_by",
                                            "requests_per_connection",
                                            "h2_total",
                                            "h2_floods_total",
                                            "h2_floods_by_reason",
                                            "idle_timeouts_total",
                                            "proxy_header_faults_total",
                                            "proxy_header_faults_by_reason",
                                            "refused_total",
                                            "refused_by_reason",
                                            "per_client_forgotten_total",
                                            "shed_total",
                                            "accept_paused_total",
                                            "stalled_given_up_total"};

TEST_CASE("an idle proxy has every path, with zeros") {
  const Json document = stats(Running());
  CHECK(keys(document) == std::set<std::string>{"version", "uptime_us", "start_time", "pid",
                                                "takeover", "window", "workers", "memory",
                                                "downstream", "listeners", "routes", "rate_limits",
                                                "upstreams"});
  CHECK(keys(document["memory"]) ==
        std::set<std::string>{"buffered_bytes", "buffered_peak_bytes", "buffered_limit_bytes"});
  const Json& downstream = document["downstream"];
  CHECK(keys(downstream["connections"]) == kConnections);
  CHECK(keys(downstream["requests"]) ==
        std::set<std::string>{"total", "in_flight", "rate_1s", "rate_10s", "rate_60s", "rate_peak",
                              "by_class", "outcomes", "fields_dropped_total"});
  CHECK(keys(downstream["requests"]["by_class"]) == kClasses);
  CHECK(keys(downstream["bytes"]) == std::set<std::string>{"received_total", "sent_total"});
  CHECK(keys(downstream["access_log"]) ==
        std::set<std::string>{"written_total", "dropped_total", "failed_total"});
  CHECK(keys(document["upstreams"]) == std::set<std::string>{"app", "api"});
  CHECK(keys(document["upstreams"]["app"]["endpoints"]) ==
        std::set<std::string>{"127.0.0.1:9001", "127.0.0.1:9002"});

  const Json& endpoint = document["upstreams"]["api"]["endpoints"]["[::1]:80"];
  CHECK(keys(endpoint["connections"]) == std::set<std::string>{"opened_total",
                                                               "reused_total",
                                                               "open",
                                                               "idle",
                                                               "connecting",
                                                               "reuse_ratio",
                                                               "requests_per_connection",
                                                               "rate_1s",
                                                               "rate_10s",
                                                               "rate_60s",
                                                               "rate_peak",
                                                               "opened_by_reason",
                                                               "closed_by",
                                                               "connect_failures_total",
                                                               "local_faults_total",
                                                               "dials_given_up_total",
                                                               "surplus_total",
                                                               "connect_time",
                                                               "setups_avoided_total",
                                                               "setup_time_saved_us"});
  CHECK(keys(endpoint["connections"]["opened_by_reason"]).size() == telemetry::kOpenReasonCount);
  CHECK(keys(endpoint["connections"]["closed_by"]) ==
        std::set<std::string>{"peer", "onehop", "error"});
  CHECK(keys(endpoint["connections"]["connect_time"]) == kDistribution);
  CHECK(keys(endpoint["requests"]) ==
        std::set<std::string>{"total", "in_flight", "queued", "rate_1s", "rate_10s", "rate_60s",
                              "rate_peak", "by_class", "outcomes", "retries_total",
                              "queue_rejected_total"});
  CHECK(keys(endpoint["requests"]["by_class"]) == kClasses);
  CHECK(keys(endpoint["bytes"]) == std::set<std::string>{"sent_total", "received_total"});
  CHECK(keys(endpoint["phases"]).size() == telemetry::kExchangeHistogramCount);
  for (size_t i = 0; i < telemetry::kExchangeHistogramCount; ++i) {
    CHECK(keys(endpoint["phases"][std::string(telemetry::exchange_histogram_name(i))]) ==
          kDistribution);
  }
  CHECK(endpoint["connections"]["reuse_ratio"] == 0);
  CHECK(endpoint["connections"]["requests_per_connection"] == 0);
  CHECK(endpoint["connections"]["setup_time_saved_us"] == 0);
}

void check_keys_of_handshakes(const Json& handshakes) {
  CHECK(keys(handshakes) == std::set<std::string>{"full", "resumed", "resumed_ratio", "in_progress",
                                                  "failures_by_reason"});
  CHECK(keys(handshakes["full"]) == kDistribution);
  CHECK(keys(handshakes["resumed"]) == kDistribution);
  CHECK(keys(handshakes["failures_by_reason"]).size() == telemetry::kTlsFailureCount);
  CHECK(handshakes["resumed_ratio"] == 0);
}

TEST_CASE("an idle proxy shows the handshakes of who speaks TLS, and of nobody else") {
  const Json document = stats(Running());
  CHECK(keys(document["listeners"]) == std::set<std::string>{Running::kListener});
  const Json& listener = document["listeners"][Running::kListener]["tls"];
  CHECK(keys(listener) == std::set<std::string>{"handshakes", "certificates"});
  CHECK(listener["certificates"] == Json::array());
  check_keys_of_handshakes(listener["handshakes"]);
  const Json& endpoints = document["upstreams"]["app"]["endpoints"];
  CHECK(keys(endpoints["127.0.0.1:9002"]["tls"]) == std::set<std::string>{"handshakes"});
  check_keys_of_handshakes(endpoints["127.0.0.1:9002"]["tls"]["handshakes"]);
  CHECK_FALSE(endpoints["127.0.0.1:9001"].contains("tls"));
}

TEST_CASE("handshakes are counted full and resumed apart, and failures by reason") {
  Running running;
  telemetry::TlsShard& one = running.telemetry.listener(0, 0);
  telemetry::TlsShard& other = running.telemetry.listener(0, 1);
  one.full.record(4 * kMs);
  other.resumed.record(kMs);
  other.resumed.record(kMs);
  one.resumed.record(kMs);
  one.in_progress.add(2);
  other.in_progress.add(3);
  other.failures[static_cast<size_t>(tls::Failure::not_tls)].add(6);
  running.telemetry.endpoint(1, 1).tls.full.record(9 * kMs);
  const Json document = stats(running, "?window=10s");
  const Json& handshakes = document["listeners"][Running::kListener]["tls"]["handshakes"];
  CHECK(handshakes["full"]["count"] == 1);
  CHECK(handshakes["full"]["max_us"] == 4000);
  CHECK(handshakes["resumed"]["count"] == 3);
  CHECK(handshakes["resumed"]["mean_us"] == 1000);
  CHECK(handshakes["resumed_ratio"] == 0.75);
  CHECK(handshakes["in_progress"] == 5);
  CHECK(handshakes["failures_by_reason"]["not_tls"] == 6);
  CHECK(handshakes["failures_by_reason"]["timeout"] == 0);
  const Json& endpoint = document["upstreams"]["app"]["endpoints"]["127.0.0.1:9002"];
  CHECK(endpoint["tls"]["handshakes"]["full"]["mean_us"] == 9000);
  CHECK(endpoint["tls"]["handshakes"]["resumed_ratio"] == 0);
}

TEST_CASE("certificates are shown at the listener that presents them") {
  Running running;
  running.present("/etc/onehop/app.pem", "CN=app.test", 1'900'000'000);
  running.present("/etc/onehop/old.pem", "CN=old.test", -5);
  running.certificates.push_back(
      {admin::Side::listener, "[::1]:443", {"other.pem", "CN=other.test", {}}});
  running.certificates.push_back(
      {admin::Side::upstream, Running::kListener, {"ours.pem", "CN=gateway", {}}});
  const Json document = stats(running);
  const Json& certificates = document["listeners"][Running::kListener]["tls"]["certificates"];
  REQUIRE(certificates.size() == 2);
  CHECK(certificates[0] == Json{{"file", "/etc/onehop/app.pem"},
                                {"subject", "CN=app.test"},
                                {"not_after", 1'900'000'000}});
  CHECK(certificates[1]["not_after"] == -5);
  CHECK(keys(document["listeners"]) == std::set<std::string>{Running::kListener});
}

TEST_CASE(
    "connections that spoke HTTP/2 and those given up as floods are counted, these by reason") {
  Running running;
  running.telemetry.shard(0).downstream.h2_connections.add(5);
  running.telemetry.shard(1).downstream.h2_connections.add(2);
  const auto floods = [](telemetry::H2Flood reason) { return static_cast<size_t>(reason); };
  running.telemetry.shard(0).downstream.h2_floods.add(floods(telemetry::H2Flood::ping));
  running.telemetry.shard(1).downstream.h2_floods.add(floods(telemetry::H2Flood::ping));
  running.telemetry.shard(1).downstream.h2_floods.add(floods(telemetry::H2Flood::reset));
  const Json document = stats(running);
  CHECK(document["downstream"]["connections"]["h2_total"] == 7);
  CHECK(document["downstream"]["connections"]["h2_floods_total"] == 3);
  const Json& by_reason = document["downstream"]["connections"]["h2_floods_by_reason"];
  CHECK(by_reason.size() == telemetry::kH2FloodCount);
  CHECK(by_reason["ping"] == 2);
  CHECK(by_reason["reset"] == 1);
}

TEST_CASE("the document says what it is a document of") {
  Running running;
  running.pass_seconds(3);
  const Json document = stats(running, "?window=1m");
  CHECK(document["version"] == "0.1.0");
  CHECK(document["uptime_us"] == 3'000'000);
  CHECK(document["start_time"] == 1'700'000'000);
  CHECK(document["pid"] == 4711);
  CHECK(document["takeover"] == Json{{"predecessor_pid", 4700}, {"failed_total", 2}});
  CHECK(document["window"] == "1m");
  CHECK(document["workers"] == 2);
  CHECK(stats(running)["window"] == "total");
}

TEST_CASE("a route has the exact statuses and the times of its requests, by class") {
  Running running;
  running.telemetry.route(0, 0).record(200, 3 * kMs);
  running.telemetry.route(0, 1).record(429, 1 * kMs);
  running.telemetry.route(0, 1).record(0, 5 * kMs);
  const Json document = stats(running);
  CHECK(document["routes"][""] ==
        Json({{"by_code", Json::object()}, {"request_time", Json::object()}}));
  const Json& route = document["routes"]["/"];
  CHECK(route["by_code"] == Json({{"none", 1}, {"200", 1}, {"429", 1}}));
  CHECK(route["request_time"]["2xx"]["max_us"] == 3000);
  CHECK(route["request_time"]["4xx"]["count"] == 1);
  CHECK(route["request_time"]["none"]["max_us"] == 5000);
  CHECK(route["request_time"].size() == 3);
}

TEST_CASE("reuse, requests per connection and the time saved follow from opened and reused") {
  Running running;
  telemetry::EndpointShard& shard = running.telemetry.endpoint(0, 0);
  shard.opened.add(static_cast<size_t>(telemetry::OpenReason::cold), 1);
  shard.opened.add(static_cast<size_t>(telemetry::OpenReason::all_busy), 3);
  running.telemetry.endpoint(0, 1).reused.add(396);
  for (const uint64_t ms : {1, 2, 3, 4}) shard.dial.record(ms * kMs);
  const Json document = stats(running);
  const Json& connections =
      document["upstreams"]["app"]["endpoints"]["127.0.0.1:9001"]["connections"];
  CHECK(connections["opened_total"] == 4);
  CHECK(connections["reused_total"] == 396);
  CHECK(connections["reuse_ratio"] == 0.99);
  CHECK(connections["requests_per_connection"] == 100);
  CHECK(connections["opened_by_reason"]["cold"] == 1);
  CHECK(connections["opened_by_reason"]["all_busy"] == 3);
  CHECK(connections["opened_by_reason"]["retry"] == 0);
  CHECK(connections["connect_time"]["count"] == 4);
  CHECK(connections["connect_time"]["mean_us"] == 2500);
  CHECK(connections["connect_time"]["max_us"] == 4000);
  CHECK(connections["setups_avoided_total"] == 396);
  CHECK(connections["setup_time_saved_us"] == 396 * 2500);
}

TEST_CASE("requests are counted by class and outcome, exactly") {
  Running running;
  for (int i = 0; i < 90; ++i) running.exchange(0, kMs, 2, 0);
  for (int i = 0; i < 7; ++i) running.exchange(0, kMs, 5, 1);
  running.exchange(0, kMs, 0);
  running.telemetry.endpoint(0, 1).outcomes.add(2, 7);
  running.telemetry.endpoint(0, 0).in_flight.add(3);
  running.telemetry.endpoint(0, 1).in_flight.add(2);
  const Json document = stats(running);
  const Json& requests = document["upstreams"]["app"]["endpoints"]["127.0.0.1:9001"]["requests"];
  CHECK(requests["total"] == 98);
  CHECK(requests["in_flight"] == 5);
  CHECK(requests["by_class"]["2xx"] == 90);
  CHECK(requests["by_class"]["5xx"] == 7);
  CHECK(requests["by_class"]["none"] == 1);
  CHECK(requests["by_class"]["1xx"] == 0);
  CHECK(requests["outcomes"] == Json{{"response_head_timeout", 7}});
  CHECK(document["downstream"]["requests"]["total"] == 98);
  CHECK(document["downstream"]["requests"]["outcomes"] == Json::object());
}

TEST_CASE("durations are whole microseconds, rounded to the nearest") {
  Running running;
  running.exchange(0, 2'000'400);
  running.exchange(0, 2'000'800);
  const Json document = stats(running);
  const Json& phases = document["upstreams"]["app"]["endpoints"]["127.0.0.1:9001"]["phases"];
  CHECK(phases["total"]["count"] == 2);
  CHECK(phases["total"]["mean_us"] == 2001);
  CHECK(phases["total"]["max_us"] == 2001);
  CHECK(phases["total"]["max_us"].is_number_unsigned());
  CHECK(phases["response_wait"]["mean_us"] == 2000);
  CHECK(phases["proxy_overhead"]["mean_us"] == 1);
  CHECK(phases["connect"]["count"] == 2);
  CHECK(phases["connect"]["p99_us"] == 0);
}

TEST_CASE("a window applies to the phases and to nothing else") {
  Running running;
  running.telemetry.shard(0).downstream.accepted.add(9);
  running.exchange(0, 5 * kMs);
  running.pass_seconds(30);
  running.exchange(0, kMs);
  const Json document = stats(running, "?window=10s");
  const Json& endpoint = document["upstreams"]["app"]["endpoints"]["127.0.0.1:9001"];
  CHECK(endpoint["phases"]["total"]["count"] == 1);
  CHECK(endpoint["requests"]["total"] == 2);
  CHECK(document["downstream"]["connections"]["accepted_total"] == 9);
  CHECK(stats(running, "?window=1m")["upstreams"]["app"]["endpoints"]["127.0.0.1:9001"]["phases"]
                                    ["total"]["count"] == 2);
}

TEST_CASE("rates of both hops are in the document") {
  Running running;
  for (int second = 0; second < 10; ++second) {
    running.telemetry.shard(0).downstream.accepted.add(3);
    running.telemetry.endpoint(2, 1).opened.add(0, 2);
    running.exchange(2, kMs);
    running.pass_seconds(1);
  }
  const Json document = stats(running);
  for (const std::string rate : {"rate_1s", "rate_10s", "rate_60s", "rate_peak"}) {
    INFO(rate);
    const Json& endpoint = document["upstreams"]["api"]["endpoints"]["[::1]:80"];
    CHECK(document["downstream"]["connections"][rate] == 3);
    CHECK(document["downstream"]["requests"][rate] == 1);
    CHECK(endpoint["connections"][rate] == 2);
    CHECK(endpoint["requests"][rate] == 1);
  }
}

TEST_CASE("a name that is not UTF-8 does not break the document") {
  test::Counted telemetry({{"a\xff", "127.0.0.1:1"}}, {}, 1);
  const telemetry::Windows windows(telemetry.get(), 0);
  const Reply reply = answer({"GET", "/stats", ""}, View{.windows = windows, .version = "0"});
  CHECK(reply.status == 200);
  CHECK_FALSE(Json::parse(reply.body, nullptr, false).is_discarded());
}

// Every leaf of a document, with the names of things replaced by a word in capitals.
void collect_paths(const Json& value, const std::string& path, std::set<std::string>& into) {
  if (value.is_array()) {
    for (const Json& element : value) collect_paths(element, path + "[]", into);
    return;
  }
  if (!value.is_object()) {
    into.insert(path);
    return;
  }
  const std::string parent = path.substr(path.rfind('.') + 1);
  const std::map<std::string, std::string> named = {{"upstreams", "NAME"},
                                                    {"rate_limits", "NAME"},
                                                    {"endpoints", "ADDRESS"},
                                                    {"phases", "PHASE"},
                                                    {"opened_by_reason", "REASON"},
                                                    {"h2_floods_by_reason", "REASON"},
                                                    {"proxy_header_faults_by_reason", "REASON"},
                                                    {"closed_by", "BY"},
                                                    {"by_class", "CLASS"},
                                                    {"outcomes", "OUTCOME"},
                                                    {"listeners", "ADDRESS"},
                                                    {"failures_by_reason", "REASON"},
                                                    {"routes", "ROUTE"},
                                                    {"by_code", "CODE"},
                                                    {"request_time", "CLASS"}};
  for (const auto& [key, child] : value.items()) {
    const bool is_kind = parent == "handshakes" && (key == "full" || key == "resumed");
    const std::string step = is_kind ? "KIND" : named.count(parent) == 1 ? named.at(parent) : key;
    collect_paths(child, path.empty() ? step : path + "." + step, into);
  }
}

TEST_CASE("how long connections may rest, and who says so, is told of each endpoint") {
  Running running;
  running.telemetry.endpoint(0, 0).outcomes.add(0);
  View view = running.view();
  ShownUpstream app;
  app.name = "app";
  app.endpoints = {
      {.address = "127.0.0.1:9001", .source = "file", .idle_ms = 4000, .idle_why = "observed"}};
  view.upstreams = {app};
  const Json document = Json::parse(answer({"GET", "/stats", ""}, view).body);
  const Json& connections =
      document["upstreams"]["app"]["endpoints"]["127.0.0.1:9001"]["connections"];
  CHECK(connections["learned_idle_timeout_us"] == 4'000'000);
  CHECK(connections["learned_idle_timeout_why"] == "observed");
  const std::string metrics = answer({"GET", "/metrics", ""}, view).body;
  CHECK(metrics.find("\nonehop_upstream_learned_idle_timeout_seconds{upstream=\"app\","
                     "endpoint=\"127.0.0.1:9001\",why=\"observed\"} 4\n") != std::string::npos);
}

TEST_CASE("docs/admin.md lists every path of the document") {
  Running running;
  running.telemetry.shard(0).downstream.outcomes.add(0);
  running.telemetry.endpoint(0, 0).outcomes.add(0);
  running.telemetry.route(0, 0).record(200, kMs);
  running.present("app.pem", "CN=app.test", 1'900'000'000);
  View view = running.view();
  ShownUpstream app;
  app.name = "app";
  app.endpoints = {{.address = "127.0.0.1:9001", .source = "file"}};
  app.file = ShownEndpointFile{.path = "app.json", .fault = "half a file"};
  view.upstreams = {app};
  running.telemetry.get().rate_limit("per-client");
  view.rate_limits = {{"per-client", 1, 7}};
  std::set<std::string> paths;
  collect_paths(Json::parse(answer({"GET", "/stats", ""}, view).body), "", paths);
  REQUIRE(paths.size() > 50);
  const auto root = test::source_tree();
  std::ifstream stream(root / "docs/admin.md");
  REQUIRE(stream.good());
  const std::string document{std::istreambuf_iterator<char>(stream),
                             std::istreambuf_iterator<char>()};
  for (const std::string& path : paths) {
    INFO(path);
    std::string shown = path;
    // Their tables leave the prefix out.
    for (const std::string prefix : {"upstreams.NAME.endpoints.ADDRESS.", "listeners.ADDRESS."}) {
      if (path.rfind(prefix, 0) == 0) shown = path.substr(prefix.size());
    }
    CHECK(document.find("| `" + shown + "` | ") != std::string::npos);
  }
}

}  // namespace
}  // namespace onehop::admin
