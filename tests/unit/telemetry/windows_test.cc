// SPDX-License-Identifier: MIT
#include "onehop/telemetry/windows.h"

#include <cmath>
#include <random>

#include "tests/support/catch.h"
#include "tests/support/counted.h"

namespace onehop::telemetry {
namespace {

using test::Counted;

constexpr uint64_t kMs = 1'000'000;
constexpr uint64_t kStart = 1000 * kSecondNs;

// A telemetry with a moving clock: records go to the shard of a worker, sample() is called on each
// full second that passes.
class Running {
  static std::vector<EndpointName> names(size_t count) {
    std::vector<EndpointName> all;
    for (size_t i = 0; i < count; ++i)
      all.push_back({"app", "127.0.0.1:" + std::to_string(9001 + i)});
    return all;
  }

 public:
  explicit Running(size_t endpoints = 1, size_t workers = 1)
      : telemetry(names(endpoints), {}, workers), windows(telemetry.get(), kStart) {}

  void record(uint64_t ns, size_t endpoint = 0, size_t worker = 0) {
    PhaseClock clock;
    clock.start(now - ns, Phase::request_head_read, Doing::work);
    clock.enter(Phase::response_wait, Doing::wait, now - ns);
    clock.stop(now);
    telemetry.endpoint(endpoint, worker).record(clock);
  }

  void pass(uint64_t ns) {
    const uint64_t until = now + ns;
    while (next_sample <= until) {
      now = next_sample;
      windows.sample(now);
      next_sample += kSecondNs;
    }
    now = until;
  }

  HistogramValues total_of(Window window, size_t endpoint = 0) const {
    return windows.snapshot(window, now).endpoints[endpoint].exchange[kTotalIndex];
  }
  uint64_t count_of(Window window, size_t endpoint = 0) const {
    return total_of(window, endpoint).count();
  }

  Counted telemetry;
  Windows windows;
  uint64_t now = kStart;
  uint64_t next_sample = kStart + kSecondNs;
};

TEST_CASE("a record is in every window before the second it fell into has been sampled") {
  Running running;
  running.record(2 * kMs);
  for (const Window window : {Window::last_10s, Window::last_1m, Window::last_5m, Window::total}) {
    INFO(window_name(window));
    const HistogramValues values = running.total_of(window);
    CHECK(values.count() == 1);
    CHECK(values.sum_ns() == 2 * kMs);
    CHECK(values.max_ns() == 2 * kMs);
  }
}

TEST_CASE("a record leaves each window when the window has passed, and never the total") {
  Running running;
  running.record(2 * kMs);
  running.pass(10 * kSecondNs);
  CHECK(running.count_of(Window::last_10s) == 1);
  running.pass(kSecondNs);
  CHECK(running.count_of(Window::last_10s) == 0);
  CHECK(running.count_of(Window::last_1m) == 1);
  running.pass(50 * kSecondNs);
  CHECK(running.count_of(Window::last_1m) == 0);
  CHECK(running.count_of(Window::last_5m) == 1);
  running.pass(240 * kSecondNs);
  CHECK(running.count_of(Window::last_5m) == 0);
  CHECK(running.count_of(Window::total) == 1);
  CHECK(running.windows.slot_bytes() < 300 * 100);  // nothing is left of it but empty slots
}

TEST_CASE("a window adds its seconds, all workers, and what was not sampled yet") {
  Running running(1, 2);
  for (int second = 0; second < 5; ++second) {
    running.record(kMs, 0, 0);
    running.record(3 * kMs, 0, 1);
    running.pass(kSecondNs);
  }
  running.record(5 * kMs);
  const HistogramValues values = running.total_of(Window::last_1m);
  CHECK(values.count() == 11);
  CHECK(values.sum_ns() == (5 * 4 + 5) * kMs);
  CHECK(values.bucket(bucket_of(kMs)) == 5);
  CHECK(values.bucket(bucket_of(3 * kMs)) == 5);
}

TEST_CASE("a window never loses a record, whenever it is read") {
  constexpr uint64_t kSeed = 71;
  INFO("seed " << kSeed);
  std::mt19937_64 random(kSeed);
  Running running(2);
  uint64_t recorded[2] = {0, 0};
  for (int step = 0; step < 400; ++step) {
    const size_t endpoint = random() % 2;
    running.record(random() % (1ULL << (random() % 42)) % running.now, endpoint);
    ++recorded[endpoint];
    running.pass(random() % (kSecondNs / 2));
    REQUIRE(running.count_of(Window::last_5m, 0) == recorded[0]);
    REQUIRE(running.count_of(Window::last_5m, 1) == recorded[1]);
  }
}

TEST_CASE("a window of everything has the percentiles and the sum of the total") {
  constexpr uint64_t kSeed = 72;
  INFO("seed " << kSeed);
  std::mt19937_64 random(kSeed);
  std::lognormal_distribution<double> draw(std::log(2e6), 1);
  Running running;
  for (int second = 0; second < 20; ++second) {
    for (int i = 0; i < 200; ++i) running.record(static_cast<uint64_t>(draw(random)));
    running.pass(kSecondNs);
  }
  const HistogramValues window = running.total_of(Window::last_5m);
  const HistogramValues total = running.total_of(Window::total);
  CHECK(window.count() == 4000);
  CHECK(window.sum_ns() == total.sum_ns());
  for (const double fraction : {0.5, 0.9, 0.99, 0.999}) {
    CHECK(window.percentile_ns(fraction) == total.percentile_ns(fraction));
  }
}

TEST_CASE("a burst too large for one packed entry is counted whole") {
  Running running;
  constexpr uint64_t kBurst = 300'000;  // an entry holds 131,071
  for (uint64_t i = 0; i < kBurst; ++i) running.record(kMs);
  running.pass(2 * kSecondNs);
  CHECK(running.count_of(Window::last_10s) == kBurst);
  CHECK(running.total_of(Window::last_10s).sum_ns() == kBurst * kMs);
}

TEST_CASE("the maximum of a window is at most one bucket high and never above the true one") {
  Running running;
  running.record(900 * kMs);
  running.pass(20 * kSecondNs);
  running.record(7 * kMs);
  running.pass(kSecondNs);
  const HistogramValues window = running.total_of(Window::last_10s);
  CHECK(window.max_ns() >= 7 * kMs);
  CHECK(window.max_ns() <= 7 * kMs + 7 * kMs / 31);
  CHECK(running.total_of(Window::last_1m).max_ns() == 900 * kMs);
  CHECK(running.total_of(Window::total).max_ns() == 900 * kMs);
}

TEST_CASE("counters, gauges and connect times are since start in every window") {
  Running running;
  EndpointShard& shard = running.telemetry.endpoint(0, 0);
  shard.opened.add(0, 3);
  shard.requests.add(2, 9);
  shard.dial.record(kMs);
  running.telemetry.shard(0).downstream.accepted.add(4);
  running.pass(100 * kSecondNs);
  const Snapshot window = running.windows.snapshot(Window::last_10s, running.now);
  CHECK(sum(window.endpoints[0].opened) == 3);
  CHECK(sum(window.endpoints[0].requests) == 9);
  CHECK(window.endpoints[0].dial.count() == 1);
  CHECK(window.downstream.accepted == 4);
}

TEST_CASE(
    "rates follow the connections that are accepted and opened and the requests of both hops") {
  Running running(2);
  for (int second = 0; second < 10; ++second) {
    running.telemetry.shard(0).downstream.accepted.add(5);
    running.telemetry.shard(0).downstream.requests.add(2, 50);
    running.telemetry.endpoint(1, 0).opened.add(3, 2);
    running.telemetry.endpoint(1, 0).requests.add(5, 40);
    running.pass(kSecondNs);
  }
  const Snapshot live = running.windows.snapshot(Window::total, running.now);
  const DownstreamRates downstream = running.windows.downstream_rates(live, running.now);
  CHECK(downstream.accepted.last_1s == 5);
  CHECK(downstream.requests.last_10s == 50);
  const EndpointRates endpoint = running.windows.endpoint_rates(live.endpoints[1], running.now);
  CHECK(endpoint.opened.last_60s == 2);
  CHECK(endpoint.requests.peak == 40);
  CHECK(running.windows.endpoint_rates(live.endpoints[0], running.now).opened.peak == 0);
}

TEST_CASE("what an endpoint did in its last minutes stays in the windows when it is gone") {
  Running running(2);
  running.record(2 * kMs, 0);
  running.pass(kSecondNs);
  running.record(3 * kMs, 0);  // not sampled yet when it goes
  running.telemetry.let_go(0);
  running.pass(kSecondNs);
  const auto departed = [&](Window window) {
    const Snapshot snapshot = running.windows.snapshot(window, running.now);
    REQUIRE(snapshot.endpoints.size() == 1);
    REQUIRE(snapshot.departed.size() == 1);
    return snapshot.departed.front().exchange[kTotalIndex];
  };
  for (const Window window : {Window::last_10s, Window::last_1m, Window::last_5m, Window::total}) {
    INFO(window_name(window));
    CHECK(departed(window).count() == 2);
    CHECK(departed(window).sum_ns() == 5 * kMs);
  }
  running.pass(20 * kSecondNs);
  CHECK(departed(Window::last_10s).count() == 0);
  CHECK(departed(Window::last_1m).count() == 2);
}

TEST_CASE("an endpoint that comes later has rates of its own life, and its first record at once") {
  Running running(1);
  running.pass(100 * kSecondNs);
  const EndpointRef late = running.telemetry.get().endpoint({"app", "127.0.0.1:1"});
  late->by_worker.of(0).requests.add(2, 10);
  const Snapshot live = running.windows.snapshot(Window::last_10s, running.now);
  CHECK(running.windows.endpoint_rates(live.endpoints[1], running.now).requests.last_60s == 20);
  running.pass(2 * kSecondNs);
  const Snapshot later = running.windows.snapshot(Window::last_10s, running.now);
  CHECK(running.windows.endpoint_rates(later.endpoints[1], running.now).requests.last_60s == 5);
}

TEST_CASE("samples that come too soon are left out, so slots stay bounded") {
  Running running;
  for (int i = 0; i < 10'000; ++i) {
    running.now += kMs;
    running.record(kMs);
    running.windows.sample(running.now);
  }
  CHECK(running.count_of(Window::last_10s) == 10'000);
  CHECK(running.windows.slot_bytes() < 21 * 500);
}

TEST_CASE("five minutes of a busy endpoint take the memory that the header states") {
  constexpr uint64_t kSeed = 73;
  INFO("seed " << kSeed);
  std::mt19937_64 random(kSeed);
  std::lognormal_distribution<double> read(std::log(8e3), 0.5);
  std::lognormal_distribution<double> wait(std::log(2e6), 0.8);
  Running running;
  for (int second = 0; second < 300; ++second) {
    for (int i = 0; i < 1000; ++i) {
      const auto head = static_cast<uint64_t>(read(random));
      const auto response = static_cast<uint64_t>(wait(random));
      PhaseClock clock;
      clock.start(running.now, Phase::request_head_read, Doing::work);
      clock.enter(Phase::route_and_queue_wait, Doing::work, running.now + head);
      clock.enter(Phase::request_write, Doing::work, running.now + 2 * head);
      clock.enter(Phase::response_wait, Doing::wait, running.now + 3 * head);
      clock.enter(Phase::response_body, Doing::work, running.now + 3 * head + response);
      clock.stop(running.now + 4 * head + response);
      running.telemetry.endpoint(0, 0).record(clock);
    }
    running.pass(kSecondNs);
  }
  const size_t bytes = running.windows.slot_bytes();
  INFO(bytes << " bytes");
  CHECK(running.count_of(Window::last_5m) == 300'000);
  CHECK(bytes > 300 * 100);
  CHECK(bytes < 1'300'000);
}

TEST_CASE("every window is known by its name, and nothing else is") {
  for (const Window window : {Window::last_10s, Window::last_1m, Window::last_5m, Window::total}) {
    CHECK(parse_window(window_name(window)) == window);
  }
  for (const std::string_view name : {"", "10", "10S", "1m ", "60s", "totals"}) {
    CHECK_FALSE(parse_window(name).has_value());
  }
}

}  // namespace
}  // namespace onehop::telemetry
