// SPDX-License-Identifier: MIT
#include "onehop/telemetry/exposition.h"

#include "tests/support/catch.h"
#include "tests/support/counted.h"
#include "tests/unit/telemetry/exposition_checker.h"

namespace onehop::telemetry {
namespace {

using test::Counted;

using test::check_exposition;
using test::ExpositionText;

constexpr Exposition kFormats[] = {Exposition::prometheus, Exposition::openmetrics};
const std::string kApp = R"(upstream="app")";
const std::string kFirst = R"(upstream="app",endpoint="127.0.0.1:9001")";

std::string written(const Telemetry& telemetry, Exposition format, Detail detail) {
  const auto writer = make_writer(format, 1'700'000'000);
  write_metrics(merge(telemetry), detail, *writer);
  return writer->finish();
}

ExpositionText checked(const Telemetry& telemetry, Exposition format,
                       Detail detail = Detail::upstream) {
  const std::string text = written(telemetry, format, detail);
  ExpositionText result = check_exposition(text, format);
  std::string faults;
  for (const std::string& fault : result.faults) faults += fault + "\n";
  INFO(faults);
  CHECK(result.faults.empty());
  return result;
}

Counted two_endpoints() {
  return Counted({{"app", "127.0.0.1:9001"}, {"app", "127.0.0.1:9002"}},
                 {{"ok", OutcomeClass::ok}, {"connect_refused", OutcomeClass::upstream}}, 1, {},
                 {"example.org/api", "/"});
}

// One of two endpoints and one listener speak TLS.
Counted with_tls() {
  return Counted({{"app", "127.0.0.1:9001", true}, {"app", "127.0.0.1:9002"}}, {}, 1,
                 {"127.0.0.1:8443"});
}

TEST_CASE("the text is sound in both formats, busy or idle") {
  Counted telemetry({{"app", "127.0.0.1:9001", true}, {"app", "127.0.0.1:9002"}},
                    {{"ok"}, {"connect_refused", OutcomeClass::upstream}}, 1,
                    {"127.0.0.1:8443", "[::1]:8443"}, {"/"});
  for (const Exposition format : kFormats) checked(telemetry, format);
  EndpointShard& shard = telemetry.endpoint(0, 0);
  PhaseClock clock;
  for (uint64_t i = 0; i < 1000; ++i) {
    clock.start(0, Phase::request_head_read, Doing::work);
    clock.enter(Phase::response_wait, Doing::wait, i * i);
    clock.stop(i * i * i);
    shard.record(clock);
    shard.dial.record(i * 1000);
    shard.tls.full.record(i * 1000);
    telemetry.listener(1, 0).resumed.record(i * 100);
  }
  shard.outcomes.add(1, 2);
  telemetry.route(0, 0).record(200, 1'000'000);
  telemetry.no_route(0).record(404, 1'000'000);
  for (const Exposition format : kFormats) {
    for (const Detail detail : {Detail::upstream, Detail::endpoint})
      checked(telemetry, format, detail);
  }
}

TEST_CASE("each row is one family with its help, and a counter is named for its format") {
  const Counted telemetry = two_endpoints();
  for (const Exposition format : kFormats) {
    const ExpositionText text = checked(telemetry, format);
    size_t rows = 0;
    std::string prefix = "onehop_";
    const auto expect = [&](const MetricRow& row, auto) {
      const bool is_counter = row.kind == MetricKind::counter;
      std::string family = prefix + std::string(row.name);
      if (is_counter && format == Exposition::prometheus) family += "_total";
      INFO(family);
      REQUIRE(text.types.count(family) == 1);
      CHECK(text.types.at(family) == (is_counter ? "counter" : "gauge"));
      CHECK(text.help.at(family) == row.help);
      ++rows;
    };
    for_each_downstream_metric(expect);
    for_each_endpoint_metric(expect);
    for_each_rate_limit_metric(expect);
    for (const std::string_view side : {"onehop_downstream_", "onehop_upstream_"}) {
      prefix = side;
      for_each_tls_metric(expect);
    }
    // And seven histograms, the responses by status, and the attempts by class.
    CHECK(text.types.size() == rows + 9);
  }
}

TEST_CASE("cells have the labels of their row") {
  Counted telemetry = two_endpoints();
  EndpointShard& shard = telemetry.endpoint(0, 0);
  shard.opened.add(static_cast<size_t>(OpenReason::peer_closed_idle), 7);
  shard.requests.add(2, 11);
  shard.bytes_sent.add(1234);
  shard.idle.add(3);
  telemetry.shard(0).downstream.closed.add(static_cast<size_t>(Closer::error), 5);
  const auto samples = checked(telemetry, Exposition::prometheus).samples;
  const auto sample = [&](const std::string& name, const std::string& labels) {
    return samples.at("onehop_" + name + "{" + labels + "}");
  };
  CHECK(sample("upstream_connections_opened_total", kApp + R"(,reason="peer_closed_idle")") == 7);
  CHECK(sample("upstream_connections_opened_total", kApp + R"(,reason="cold")") == 0);
  CHECK(sample("upstream_requests_total", kFirst + R"(,class="2xx")") == 11);
  CHECK(sample("upstream_requests_total", kFirst + R"(,class="none")") == 0);
  CHECK(sample("upstream_sent_bytes_total", kApp) == 1234);
  CHECK(sample("upstream_connections_idle", kApp) == 3);
  CHECK(samples.at(R"(onehop_downstream_connections_closed_total{by="error"})") == 5);
  CHECK(samples.at("onehop_downstream_connections_accepted_total{}") == 0);
}

TEST_CASE("handshakes have the labels of their side, and whether a session was resumed") {
  Counted telemetry = with_tls();
  TlsShard& listener = telemetry.listener(0, 0);
  listener.in_progress.add(4);
  listener.failures[2].add(3);
  listener.full.record(2'000'000);
  listener.resumed.record(500'000);
  listener.resumed.record(500'000);
  telemetry.endpoint(0, 0).tls.failures.add(5, 7);
  telemetry.endpoint(0, 0).tls.full.record(4'000'000);
  const auto samples = checked(telemetry, Exposition::prometheus).samples;
  const std::string at = R"(listener="127.0.0.1:8443")";
  CHECK(samples.at("onehop_downstream_tls_handshakes_in_progress{" + at + "}") == 4);
  CHECK(samples.at("onehop_downstream_tls_handshake_failures_total{" + at +
                   R"(,reason="not_tls"})") == 3);
  CHECK(samples.at("onehop_downstream_tls_handshake_failures_total{" + at +
                   R"(,reason="timeout"})") == 0);
  const auto seconds = [&](const std::string& sample, const std::string& resumed) {
    return samples.at("onehop_downstream_tls_handshake_seconds_" + sample + "{" + at +
                      ",resumed=\"" + resumed + "\"}");
  };
  CHECK(seconds("count", "false") == 1);
  CHECK(seconds("sum", "false") == 0.002);
  CHECK(seconds("count", "true") == 2);
  CHECK(seconds("sum", "true") == 0.001);
  CHECK(samples.at("onehop_upstream_tls_handshake_failures_total{" + kApp +
                   R"(,reason="certificate_name"})") == 7);
  CHECK(samples.at("onehop_upstream_tls_handshake_seconds_sum{" + kApp + R"(,resumed="false"})") ==
        0.004);
}

TEST_CASE("an endpoint without TLS has no series of handshakes") {
  const auto samples = checked(with_tls(), Exposition::prometheus, Detail::endpoint).samples;
  for (const auto& [name, value] : samples) {
    INFO(name);
    CHECK((name.find("tls") == std::string::npos || name.find(":9002") == std::string::npos));
  }
}

TEST_CASE("every outcome is there at 0 before the first, with its class beside it") {
  Counted telemetry = two_endpoints();
  const std::string refused = R"(outcome="connect_refused",class="upstream"})";
  const auto healthy = checked(telemetry, Exposition::prometheus).samples;
  CHECK(healthy.at("onehop_downstream_outcomes_total{" + refused) == 0);
  CHECK(healthy.at(R"(onehop_downstream_outcomes_total{outcome="ok",class="ok"})") == 0);
  CHECK(healthy.at("onehop_upstream_outcomes_total{" + kApp + "," + refused) == 0);
  for (const std::string_view name : kOutcomeClassNames) {
    CHECK(healthy.at("onehop_upstream_attempts_total{" + kFirst + ",class=\"" + std::string(name) +
                     "\"}") == 0);
  }
  telemetry.endpoint(0, 0).outcomes.add(1);
  telemetry.endpoint(1, 0).outcomes.add(1, 4);
  const auto failing = checked(telemetry, Exposition::prometheus).samples;
  CHECK(failing.at("onehop_upstream_outcomes_total{" + kApp + "," + refused) == 5);
  CHECK(failing.at("onehop_upstream_attempts_total{" + kFirst + R"(,class="upstream"})") == 1);
  CHECK(failing.at("onehop_upstream_attempts_total{" + kFirst + R"(,class="ok"})") == 0);
  CHECK(failing.size() == healthy.size());
}

TEST_CASE("with the detail of endpoints every row is there for each of them") {
  Counted telemetry = two_endpoints();
  telemetry.endpoint(0, 0).outcomes.add(1, 3);
  telemetry.endpoint(0, 0).reused.add(2);
  const auto samples = checked(telemetry, Exposition::prometheus, Detail::endpoint).samples;
  const std::string second = R"(upstream="app",endpoint="127.0.0.1:9002")";
  const std::string refused = R"(,outcome="connect_refused",class="upstream"})";
  CHECK(samples.at("onehop_upstream_outcomes_total{" + kFirst + refused) == 3);
  CHECK(samples.at("onehop_upstream_outcomes_total{" + second + refused) == 0);
  CHECK(samples.at("onehop_upstream_connections_reused_total{" + kFirst + "}") == 2);
  CHECK(samples.at("onehop_exchange_seconds_count{" + second + "}") == 0);
}

TEST_CASE("an alert's histograms are there before the first record, the others after it") {
  Counted telemetry = two_endpoints();
  const auto idle = checked(telemetry, Exposition::prometheus).samples;
  for (const char* route : {"", "/", "example.org/api"}) {
    const std::string at =
        std::string("onehop_downstream_request_seconds_count{route=\"") + route + "\",class=";
    CHECK(idle.at(at + "\"2xx\"}") == 0);
    CHECK(idle.at(at + "\"5xx\"}") == 0);
    CHECK(idle.count(at + "\"4xx\"}") == 0);
  }
  CHECK(idle.at("onehop_exchange_seconds_count{" + kApp + "}") == 0);
  CHECK(idle.count("onehop_proxy_overhead_seconds_count{" + kApp + "}") == 0);
  CHECK(idle.count("onehop_upstream_connect_seconds_count{" + kApp + "}") == 0);
  CHECK(idle.count("onehop_exchange_phase_seconds_count{" + kApp + R"(,phase="connect"})") == 0);
}

TEST_CASE("a route's requests are counted by their class and by their exact status") {
  Counted telemetry = two_endpoints();
  RouteShard& api = telemetry.route(0, 0);
  api.record(200, 3'000'000);
  api.record(409, 1'000'000);
  for (int i = 0; i < 3; ++i) api.record(429, 2'000'000);
  api.record(0, 7'000'000);
  api.record(999, 1'000'000);
  telemetry.no_route(0).record(404, 1'000);
  const auto samples = checked(telemetry, Exposition::prometheus).samples;
  const auto responses = [&](const std::string& route, const std::string& code) {
    return samples.at("onehop_downstream_responses_total{route=\"" + route + "\",code=\"" + code +
                      "\"}");
  };
  CHECK(responses("example.org/api", "200") == 1);
  CHECK(responses("example.org/api", "409") == 1);
  CHECK(responses("example.org/api", "429") == 3);
  CHECK(responses("example.org/api", "none") == 1);
  CHECK(responses("example.org/api", "999") == 1);
  CHECK(responses("", "404") == 1);
  const std::string at = R"({route="example.org/api",class=)";
  CHECK(samples.at("onehop_downstream_request_seconds_count" + at + "\"4xx\"}") == 4);
  CHECK(samples.at("onehop_downstream_request_seconds_sum" + at + "\"2xx\"}") == 0.003);
  CHECK(samples.at("onehop_downstream_request_seconds_sum" + at + "\"none\"}") == 0.007);
  CHECK(samples.at("onehop_downstream_request_seconds_count" + at + "\"5xx\"}") == 1);
}

TEST_CASE("a histogram has sixteen round edges between 100 us and two minutes") {
  CHECK(kEdges.size() == 16);
  CHECK(kEdges.front().ns == 100'000);
  CHECK(kEdges.back().ns == 120'000'000'000);
  uint64_t before = 0;
  for (const Edge& edge : kEdges) {
    INFO(edge.text);
    CHECK(std::stod(std::string(edge.text)) == static_cast<double>(edge.ns) / 1e9);
    CHECK(edge.text.find('.') != std::string_view::npos);  // as OpenMetrics writes a number
    CHECK(edge.ns > before);
    before = edge.ns;
  }
}

TEST_CASE("a bucket holds nothing above its edge, and all but what is a 32nd below it") {
  for (const Edge& edge : kEdges) {
    INFO(edge.text);
    Histogram recorded;
    recorded.record(edge.ns + 1);
    recorded.record(edge.ns - edge.ns / 32 - 1);
    HistogramValues values;
    recorded.merge_into(values);
    const auto counts = cumulative(values);
    for (size_t i = 0; i < kEdges.size(); ++i) {
      if (kEdges[i].ns <= edge.ns) CHECK(counts[i] == (kEdges[i].ns == edge.ns ? 1 : 0));
      if (kEdges[i].ns > edge.ns) CHECK(counts[i] == 2);
    }
  }
}

TEST_CASE("each phase, the total and the overhead have their histogram") {
  Counted telemetry = two_endpoints();
  PhaseClock clock;
  clock.start(0, Phase::request_head_read, Doing::work);
  clock.enter(Phase::response_wait, Doing::wait, 1'000'000);
  clock.stop(3'000'000);
  telemetry.endpoint(0, 0).record(clock);
  const auto samples = checked(telemetry, Exposition::prometheus).samples;
  for (const std::string_view phase : kPhaseNames) {
    INFO(phase);
    CHECK(samples.at("onehop_exchange_phase_seconds_count{" + kApp + ",phase=\"" +
                     std::string(phase) + "\"}") == 1);
  }
  CHECK(samples.at("onehop_exchange_seconds_sum{" + kApp + "}") == 0.003);
  CHECK(samples.at("onehop_proxy_overhead_seconds_sum{" + kApp + "}") == 0.001);
}

TEST_CASE("twenty idle upstreams of six endpoints are fewer than six thousand series") {
  std::vector<EndpointName> endpoints;
  std::vector<std::string> routes;
  for (int upstream = 0; upstream < 20; ++upstream) {
    const std::string name = "service-" + std::to_string(upstream);
    routes.push_back(name + ".example.org/");
    for (int i = 0; i < 6; ++i) endpoints.push_back({name, "10.0.0.1:" + std::to_string(9000 + i)});
  }
  const std::vector<OutcomeName> outcomes(kMaxOutcomes, {"an_outcome_of_average_length"});
  const Counted telemetry(endpoints, outcomes, 1, {}, routes);
  const std::string text = written(telemetry, Exposition::prometheus, Detail::upstream);
  size_t series = 0;
  for (size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) series += text[at] != '#';
  CHECK(series < 6000);
  CHECK(series > 3000);
}

TEST_CASE("label values with quotes, backslashes and line ends are escaped") {
  CHECK(Labels().add("a", "x\"y\\z\nw").add("b", "").text() == R"(a="x\"y\\z\nw",b="")");
  const Counted telemetry({{"a\"p\\p", "line\nend"}}, {}, 1);
  for (const Exposition format : kFormats) checked(telemetry, format);
}

TEST_CASE("the checker finds what it is there to find") {
  const auto faults = [](const std::string& text, Exposition format = Exposition::prometheus) {
    return check_exposition(text, format).faults.size();
  };
  const std::string head = "# HELP h x\n# TYPE h histogram\n";
  CHECK(faults("# HELP a_total x\n# TYPE a_total counter\na_total 1\n") == 0);
  CHECK(faults("# HELP a x\n# TYPE a counter\na 1\n") == 1);
  CHECK(faults("# HELP a x\n# TYPE a gauge\na 1\na 1\n") == 1);
  CHECK(faults("a 1\n") == 1);
  CHECK(faults("# HELP a x\n# TYPE a gauge\n# HELP b x\n# TYPE b gauge\na 1\n") == 1);
  CHECK(faults(head + "h_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 2\nh_sum 1\nh_count 2\n") == 0);
  CHECK(faults(head + "h_bucket{le=\"1\"} 3\nh_bucket{le=\"+Inf\"} 2\nh_sum 1\nh_count 2\n") == 1);
  CHECK(faults(head + "h_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 3\nh_sum 1\nh_count 2\n") == 1);
  CHECK(faults("# HELP a x\n# TYPE a gauge\na 1\n", Exposition::openmetrics) == 1);
  CHECK(faults("# HELP a x\n# TYPE a gauge\na{b=\"c\"d\"} 1\n") == 1);
}

}  // namespace
}  // namespace onehop::telemetry
