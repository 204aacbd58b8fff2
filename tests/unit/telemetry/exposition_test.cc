// SPDX-License-Identifier: MIT
#include "onehop/telemetry/exposition.h"

#include "tests/support/catch.h"
#include "tests/unit/telemetry/exposition_checker.h"

namespace onehop::telemetry {
namespace {

using test::check_exposition;
using test::ExpositionText;

constexpr Exposition kFormats[] = {Exposition::prometheus, Exposition::openmetrics};
const std::string kFirst = R"(upstream="app",endpoint="127.0.0.1:9001")";

std::string written(const Telemetry& telemetry, Exposition format) {
  ExpositionWriter writer(format);
  write_metrics(merge(telemetry), writer);
  return std::move(writer).finish();
}

ExpositionText checked(const Telemetry& telemetry, Exposition format) {
  const std::string text = written(telemetry, format);
  ExpositionText result = check_exposition(text, format);
  std::string faults;
  for (const std::string& fault : result.faults) faults += fault + "\n";
  INFO(faults);
  CHECK(result.faults.empty());
  return result;
}

Telemetry two_endpoints() {
  return Telemetry({{"app", "127.0.0.1:9001"}, {"app", "127.0.0.1:9002"}},
                   {"ok", "connect_refused"}, 1);
}

// One of two endpoints and one listener speak TLS.
Telemetry with_tls() {
  return Telemetry({{"app", "127.0.0.1:9001", true}, {"app", "127.0.0.1:9002"}}, {}, 1,
                   {"127.0.0.1:8443"});
}

TEST_CASE("the text is sound in both formats, busy or idle") {
  Telemetry telemetry({{"app", "127.0.0.1:9001", true}, {"app", "127.0.0.1:9002"}},
                      {"ok", "connect_refused"}, 1, {"127.0.0.1:8443", "[::1]:8443"});
  for (const Exposition format : kFormats) checked(telemetry, format);
  EndpointShard& shard = telemetry.shard(0).endpoints[0];
  PhaseClock clock;
  for (uint64_t i = 0; i < 1000; ++i) {
    clock.start(0, Phase::request_head_read, Doing::work);
    clock.enter(Phase::response_wait, Doing::wait, i * i);
    clock.stop(i * i * i);
    shard.record(clock);
    shard.dial.record(i * 1000);
    shard.tls.full.record(i * 1000);
    telemetry.shard(0).listener_tls[1].resumed.record(i * 100);
  }
  shard.outcomes.add(1, 2);
  for (const Exposition format : kFormats) checked(telemetry, format);
}

TEST_CASE("each row is one family with its help, and a counter is named for its format") {
  const Telemetry telemetry = two_endpoints();
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
    for (const std::string_view side : {"onehop_downstream_", "onehop_upstream_"}) {
      prefix = side;
      for_each_tls_metric(expect);
    }
    CHECK(text.types.size() == rows + 6);  // and six histograms
  }
}

TEST_CASE("cells have the labels of their row") {
  Telemetry telemetry = two_endpoints();
  EndpointShard& shard = telemetry.shard(0).endpoints[0];
  shard.opened.add(static_cast<size_t>(OpenReason::peer_closed_idle), 7);
  shard.requests.add(2, 11);
  shard.bytes_sent.add(1234);
  shard.idle.add(3);
  telemetry.shard(0).downstream.closed.add(static_cast<size_t>(Closer::error), 5);
  const auto samples = checked(telemetry, Exposition::prometheus).samples;
  const auto endpoint_sample = [&](const std::string& name, const std::string& label) {
    return samples.at("onehop_" + name + "{" + kFirst + label + "}");
  };
  CHECK(endpoint_sample("upstream_connections_opened_total", R"(,reason="peer_closed_idle")") == 7);
  CHECK(endpoint_sample("upstream_connections_opened_total", R"(,reason="cold")") == 0);
  CHECK(endpoint_sample("upstream_requests_total", R"(,class="2xx")") == 11);
  CHECK(endpoint_sample("upstream_requests_total", R"(,class="none")") == 0);
  CHECK(endpoint_sample("upstream_sent_bytes_total", "") == 1234);
  CHECK(endpoint_sample("upstream_connections_idle", "") == 3);
  CHECK(samples.at(R"(onehop_downstream_connections_closed_total{by="error"})") == 5);
  CHECK(samples.at("onehop_downstream_connections_accepted_total{}") == 0);
}

TEST_CASE("handshakes have the labels of their side, and whether a session was resumed") {
  Telemetry telemetry = with_tls();
  TlsShard& listener = telemetry.shard(0).listener_tls[0];
  listener.in_progress.add(4);
  listener.failures[2].add(3);
  listener.full.record(2'000'000);
  listener.resumed.record(500'000);
  listener.resumed.record(500'000);
  telemetry.shard(0).endpoints[0].tls.failures.add(5, 7);
  telemetry.shard(0).endpoints[0].tls.full.record(4'000'000);
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
  CHECK(samples.at("onehop_upstream_tls_handshake_failures_total{" + kFirst +
                   R"(,reason="certificate_name"})") == 7);
  CHECK(samples.at("onehop_upstream_tls_handshake_seconds_sum{" + kFirst +
                   R"(,resumed="false"})") == 0.004);
}

TEST_CASE("an endpoint without TLS has no series of handshakes") {
  for (const auto& [name, value] : checked(with_tls(), Exposition::prometheus).samples) {
    INFO(name);
    CHECK((name.find("tls") == std::string::npos || name.find(":9002") == std::string::npos));
  }
}

TEST_CASE("only outcomes that occurred are shown") {
  Telemetry telemetry = two_endpoints();
  telemetry.shard(0).endpoints[0].outcomes.add(1);
  const auto samples = checked(telemetry, Exposition::prometheus).samples;
  CHECK(samples.at("onehop_upstream_outcomes_total{" + kFirst + R"(,outcome="connect_refused"})") ==
        1);
  CHECK(samples.count("onehop_upstream_outcomes_total{" + kFirst + R"(,outcome="ok"})") == 0);
}

TEST_CASE("every edge is an edge of the log-linear buckets, so cumulative counts are exact") {
  uint64_t before = 0;
  for (const uint64_t edge : bucket_edges()) {
    INFO(edge);
    CHECK(bucket_floor(bucket_of(edge)) == edge);
    CHECK(edge > before);
    before = edge;
  }
}

TEST_CASE("a bucket counts what is below its edge, to the nanosecond") {
  Telemetry telemetry = two_endpoints();
  Histogram& dial = telemetry.shard(0).endpoints[0].dial;
  const uint64_t edge = uint64_t{1} << 20;  // 1.048576 ms
  for (const uint64_t ns : {edge - 1, edge, edge + 1, uint64_t{100'000'000'000}}) dial.record(ns);
  const auto samples = checked(telemetry, Exposition::openmetrics).samples;
  const auto at = [&](const std::string& suffix, const std::string& le) {
    return samples.at("onehop_upstream_connect_seconds" + suffix + "{" + kFirst + le + "}");
  };
  CHECK(at("_bucket", R"(,le="0.000786432")") == 0);
  CHECK(at("_bucket", R"(,le="0.001048576")") == 1);
  CHECK(at("_bucket", R"(,le="0.001572864")") == 3);
  CHECK(at("_bucket", R"(,le="34.359738368")") == 3);
  CHECK(at("_bucket", R"(,le="+Inf")") == 4);
  CHECK(at("_count", "") == 4);
  CHECK(at("_sum", "") == 100.003145728);
}

TEST_CASE("cumulative buckets are the same numbers as count_at_most") {
  Telemetry telemetry = two_endpoints();
  Histogram& dial = telemetry.shard(0).endpoints[0].dial;
  for (uint64_t ns = 1; ns < 100'000'000'000; ns += ns / 3 + 1) dial.record(ns);
  HistogramValues values;
  dial.merge_into(values);
  const auto samples = checked(telemetry, Exposition::prometheus).samples;
  for (const uint64_t edge : bucket_edges()) {
    const double le = static_cast<double>(edge) / 1e9;
    INFO(le);
    bool found = false;
    for (const auto& [name, value] : samples) {
      const size_t at = name.find("le=\"");
      if (name.rfind("onehop_upstream_connect_seconds_bucket{" + kFirst, 0) != 0 ||
          name.find("+Inf") != std::string::npos || std::stod(name.substr(at + 4)) != le) {
        continue;
      }
      found = true;
      CHECK(value == static_cast<double>(values.count_at_most(edge)));
    }
    CHECK(found);
  }
}

TEST_CASE("each phase, the total and the overhead have their histogram") {
  Telemetry telemetry = two_endpoints();
  PhaseClock clock;
  clock.start(0, Phase::request_head_read, Doing::work);
  clock.enter(Phase::response_wait, Doing::wait, 1'000'000);
  clock.stop(3'000'000);
  telemetry.shard(0).endpoints[0].record(clock);
  const auto samples = checked(telemetry, Exposition::prometheus).samples;
  for (const std::string_view phase : kPhaseNames) {
    INFO(phase);
    CHECK(samples.at("onehop_exchange_phase_seconds_count{" + kFirst + ",phase=\"" +
                     std::string(phase) + "\"}") == 1);
  }
  CHECK(samples.at("onehop_exchange_seconds_sum{" + kFirst + "}") == 0.003);
  CHECK(samples.at("onehop_proxy_overhead_seconds_sum{" + kFirst + "}") == 0.001);
}

TEST_CASE("label values with quotes, backslashes and line ends are escaped") {
  CHECK(Labels().add("a", "x\"y\\z\nw").add("b", "").text() == R"(a="x\"y\\z\nw",b="")");
  const Telemetry telemetry({{"a\"p\\p", "line\nend"}}, {}, 1);
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
