// SPDX-License-Identifier: MIT
#include "onehop/telemetry/snapshot.h"

#include <atomic>
#include <thread>

#include "tests/support/catch.h"
#include "tests/support/counted.h"

namespace onehop::telemetry {
namespace {

using test::Counted;

// Every cell of every row gets another number, so that a row or cell that is mixed up or left out
// shows.
class Fill {
 public:
  template <class Cell>
  void cells(Cells<Cell, 1>& row) {
    row.add(next_++);
  }
  template <class Cell, size_t count>
  void cells(Cells<Cell, count>& row) {
    for (size_t i = 0; i < count; ++i) row.add(i, next_++);
  }

  void shard(DownstreamShard& values) {
#define X(member, name, label, count, help) cells(values.member);
    ONEHOP_DOWNSTREAM_METRICS(X, X)
#undef X
  }
  void shard(EndpointShard& values) {
#define X(member, name, label, count, help) cells(values.member);
    ONEHOP_ENDPOINT_METRICS(X, X)
#undef X
  }
  void shard(TlsShard& values) {
#define X(member, name, label, count, help) cells(values.member);
    ONEHOP_TLS_METRICS(X, X)
#undef X
  }

 private:
  uint64_t next_ = 1;
};

Counted two_workers_three_endpoints() {
  return Counted({{"app", "127.0.0.1:9001"}, {"app", "127.0.0.1:9002"}, {"api", "[::1]:80"}},
                 {{"ok"}, {"connect_refused", OutcomeClass::upstream}}, 2);
}

// The cells of all rows of an endpoint in order.
std::vector<int64_t> flat(const EndpointMetrics& values) {
  std::vector<int64_t> all;
  for_each_endpoint_metric([&](const MetricRow&, auto cells_of) {
    for (const auto cell : cells_of(values)) all.push_back(static_cast<int64_t>(cell));
  });
  return all;
}

std::vector<int64_t> flat(const DownstreamValues& values) {
  std::vector<int64_t> all;
  for_each_downstream_metric([&](const MetricRow&, auto cells_of) {
    for (const auto cell : cells_of(values)) all.push_back(static_cast<int64_t>(cell));
  });
  return all;
}

std::vector<int64_t> flat(const TlsMetrics& values) {
  std::vector<int64_t> all;
  for_each_tls_metric([&](const MetricRow&, auto cells_of) {
    for (const auto cell : cells_of(values)) all.push_back(static_cast<int64_t>(cell));
  });
  return all;
}

TEST_CASE("a snapshot sums every cell of every row over the workers") {
  Counted telemetry = two_workers_three_endpoints();
  for (size_t worker = 0; worker < 2; ++worker) {
    Fill().shard(telemetry.shard(worker).downstream);
    Fill().shard(telemetry.endpoint(1, worker));
  }
  const Snapshot snapshot = merge(telemetry);

  const std::vector<int64_t> endpoint = flat(snapshot.endpoints[1]);
  REQUIRE(endpoint.size() > 64);
  for (size_t i = 0; i < endpoint.size(); ++i)
    CHECK(endpoint[i] == 2 * static_cast<int64_t>(i + 1));
  const std::vector<int64_t> downstream = flat(snapshot.downstream);
  REQUIRE(downstream.size() > 64);
  for (size_t i = 0; i < downstream.size(); ++i) {
    CHECK(downstream[i] == 2 * static_cast<int64_t>(i + 1));
  }
  for (const int64_t cell : flat(snapshot.endpoints[0])) CHECK(cell == 0);
}

TEST_CASE("a snapshot carries the names in the order of the telemetry") {
  const Snapshot snapshot = merge(two_workers_three_endpoints());
  REQUIRE(snapshot.endpoints.size() == 3);
  CHECK(snapshot.endpoints[2].name.upstream == "api");
  CHECK(snapshot.endpoints[2].name.address == "[::1]:80");
  CHECK(snapshot.outcomes ==
        std::vector<OutcomeName>{{"ok"}, {"connect_refused", OutcomeClass::upstream}});
  CHECK(snapshot.workers == 2);
}

TEST_CASE("the endpoints of an upstream are summed, every cell and every histogram") {
  Counted telemetry = two_workers_three_endpoints();
  for (const size_t endpoint : {0, 1, 2}) {
    EndpointShard& shard = telemetry.endpoint(endpoint, endpoint % 2);
    Fill().shard(shard);
    shard.dial.record(1000);
    for (Histogram& histogram : shard.exchange) histogram.record(5000);
  }
  const std::vector<EndpointValues> upstreams = by_upstream(merge(telemetry));
  REQUIRE(upstreams.size() == 2);
  CHECK(upstreams[0].name.upstream == "app");
  CHECK(upstreams[0].name.address.empty());
  CHECK(upstreams[1].name.upstream == "api");
  const auto app = flat(upstreams[0]);
  const auto api = flat(upstreams[1]);
  for (size_t i = 0; i < app.size(); ++i) {
    CHECK(app[i] == 2 * static_cast<int64_t>(i + 1));
    CHECK(api[i] == static_cast<int64_t>(i + 1));
  }
  CHECK(upstreams[0].dial.count() == 2);
  for (const HistogramValues& values : upstreams[0].exchange) CHECK(values.count() == 2);
}

TEST_CASE("a status above 599 is of the class of 5xx") {
  CHECK(status_class(0) == 0);
  CHECK(status_class(100) == 1);
  CHECK(status_class(299) == 2);
  CHECK(status_class(599) == 5);
  CHECK(status_class(600) == 5);
  CHECK(status_class(999) == 5);
}

TEST_CASE("routes are summed over the workers, and those of one label are one") {
  Counted telemetry({}, {}, 2, {}, {"/api", "/", "/api"});
  telemetry.route(0, 0).record(200, 1000);
  telemetry.route(0, 1).record(503, 1000);
  telemetry.route(2, 1).record(200, 3000);
  const Snapshot snapshot = merge(telemetry);
  REQUIRE(snapshot.routes.size() == 3);
  CHECK(snapshot.routes[0].route.empty());
  CHECK(snapshot.routes[1].route == "/api");
  CHECK(snapshot.routes[1].codes == std::vector<std::pair<int, uint64_t>>{{200, 2}, {503, 1}});
  CHECK(snapshot.routes[1].seconds[2].sum_ns() == 4000);
  CHECK(snapshot.routes[2].codes.empty());
}

TEST_CASE("a gauge that falls in one worker and rises in another is summed with its sign") {
  Counted telemetry = two_workers_three_endpoints();
  telemetry.shard(0).downstream.open.add(5);
  telemetry.shard(1).downstream.open.add(-2);
  CHECK(merge(telemetry).downstream.open == 3);
}

TEST_CASE("handshakes of listeners and endpoints are summed over the workers, each by itself") {
  Counted telemetry({{"app", "127.0.0.1:9001"}, {"app", "app.test:443", true}}, {}, 2,
                    {"127.0.0.1:8443", "[::1]:8443"});
  for (size_t worker = 0; worker < 2; ++worker) {
    TlsShard& listener = telemetry.listener(1, worker);
    Fill().shard(listener);
    listener.full.record(3'000'000);
    listener.resumed.record(1'000'000 * (worker + 1));
    TlsShard& endpoint = telemetry.endpoint(1, worker).tls;
    Fill().shard(endpoint);
    endpoint.full.record(5'000'000);
  }
  const Snapshot snapshot = merge(telemetry);
  std::vector<int64_t> expected;
  for (size_t i = 0; i < 1 + kTlsFailureCount; ++i) expected.push_back(2 * int64_t(i + 1));

  REQUIRE(snapshot.listeners.size() == 2);
  const ListenerValues& listener = snapshot.listeners[1];
  CHECK(listener.address == "[::1]:8443");
  CHECK(flat(listener.tls) == expected);
  CHECK(listener.tls.full.sum_ns() == 6'000'000);
  CHECK(listener.tls.resumed.count() == 2);
  CHECK(listener.tls.resumed.max_ns() == 2'000'000);
  CHECK(snapshot.listeners[0].tls.full.count() == 0);
  CHECK(flat(snapshot.listeners[0].tls) == std::vector<int64_t>(expected.size(), 0));

  REQUIRE(snapshot.endpoints[1].tls.has_value());
  CHECK(flat(*snapshot.endpoints[1].tls) == expected);
  CHECK(snapshot.endpoints[1].tls->full.count() == 2);
  CHECK(snapshot.endpoints[1].tls->resumed.count() == 0);
}

TEST_CASE("an endpoint has handshakes if it is one that speaks TLS, and not if one was counted") {
  Counted telemetry({{"app", "127.0.0.1:9001"}, {"app", "app.test:443", true}}, {}, 1);
  telemetry.endpoint(0, 0).tls.full.record(1000);
  const Snapshot snapshot = merge(telemetry);
  CHECK_FALSE(snapshot.endpoints[0].tls.has_value());
  CHECK(snapshot.endpoints[1].tls.has_value());
  CHECK(snapshot.listeners.empty());
}

TEST_CASE("listeners of one address, which port 0 allows, are one in a snapshot") {
  Counted telemetry({}, {}, 1, {"127.0.0.1:0", "[::1]:0", "127.0.0.1:0"});
  telemetry.listener(0, 0).full.record(1000);
  telemetry.listener(1, 0).full.record(1000);
  telemetry.listener(2, 0).full.record(2000);
  const Snapshot snapshot = merge(telemetry);
  REQUIRE(snapshot.listeners.size() == 2);
  CHECK(snapshot.listeners[0].tls.full.sum_ns() == 3000);
  CHECK(snapshot.listeners[1].address == "[::1]:0");
  CHECK(snapshot.listeners[1].tls.full.sum_ns() == 1000);
}

TEST_CASE("an exchange is one record in each of its histograms, and the phases sum to the total") {
  Counted telemetry = two_workers_three_endpoints();
  for (size_t worker = 0; worker < 2; ++worker) {
    PhaseClock clock;
    clock.start(1000, Phase::request_head_read, Doing::work);
    clock.enter(Phase::connect, Doing::wait, 3'000);
    clock.enter(Phase::response_wait, Doing::wait, 1'003'000);
    clock.enter(Phase::response_body, Doing::work, 9'003'000);
    clock.stop(9'010'000);
    telemetry.endpoint(0, worker).record(clock);
  }
  const Snapshot snapshot = merge(telemetry);
  const ExchangeValues& exchange = snapshot.endpoints[0].exchange;
  uint64_t phases = 0;
  for (size_t i = 0; i < kPhaseCount; ++i) {
    CHECK(exchange[i].count() == 2);
    phases += exchange[i].sum_ns();
  }
  CHECK(phases == exchange[kTotalIndex].sum_ns());
  CHECK(exchange[kTotalIndex].sum_ns() == 2 * 9'009'000);
  CHECK(exchange[kOverheadIndex].sum_ns() == 2 * 9'000);
}

TEST_CASE("merging while a worker records never loses or repeats a record") {
  Counted telemetry({{"app", "127.0.0.1:1"}}, {}, 1);
  constexpr uint64_t kRecords = 200'000;
  std::atomic<bool> done = false;
  std::thread worker([&] {
    EndpointShard& shard = telemetry.endpoint(0, 0);
    for (uint64_t i = 0; i < kRecords; ++i) shard.dial.record(i);
    done.store(true, std::memory_order_release);
  });
  uint64_t before = 0;
  bool grew_only = true;
  while (!done.load(std::memory_order_acquire)) {
    const uint64_t count = merge(telemetry).endpoints[0].dial.count();
    grew_only = grew_only && count >= before && count <= kRecords;
    before = count;
  }
  worker.join();
  CHECK(grew_only);
  const HistogramValues dial = merge(telemetry).endpoints[0].dial;
  CHECK(dial.count() == kRecords);
  CHECK(dial.sum_ns() == kRecords * (kRecords - 1) / 2);
  CHECK(dial.max_ns() == kRecords - 1);
}

}  // namespace
}  // namespace onehop::telemetry
