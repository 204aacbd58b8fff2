// SPDX-License-Identifier: MIT
// The proxy path in simulated weather: a named test for each family of faults, and one for all at
// once. A run is its seed: ONEHOP_TEST_SEED moves all of them, a failure names its own.
#include <algorithm>
#include <cstdlib>
#include <string>

#include "scenario.h"
#include "tests/support/catch.h"
#include "tests/support/seed.h"

namespace onehop::test {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr uint64_t kSeeds = 120;
#else
constexpr uint64_t kSeeds = 600;
#endif

// The seeds that a test runs: ONEHOP_SIM_SEED says which one, else `count` from `first` on, where
// ONEHOP_TEST_SEED moves them to.
struct Seeds {
  uint64_t first = 0;
  uint64_t count = kSeeds;
};

// Runs them, each in the weather that it has, and returns the sums over them.
template <class WeatherOf>
Report run_each(Seeds seeds, WeatherOf weather_of) {
  seeds.first += test_seed() * 1000;
  if (const char* const single = std::getenv("ONEHOP_SIM_SEED"))
    seeds = {std::strtoull(single, nullptr, 10), 1};
  const std::string test = Catch::getResultCapture().getCurrentTestName();
  Report sum;
  for (uint64_t seed = seeds.first; seed < seeds.first + seeds.count; ++seed) {
    const Report report = run_scenario(seed, weather_of(seed));
    INFO("alone: ONEHOP_SIM_SEED=" << seed << " sim_tests \"" << test << "\"\n" << report.notes);
    REQUIRE_THAT(report.violation, Catch::Matchers::Equals(""));
    sum.asked += report.asked;
    sum.answered += report.answered;
    sum.answered_here += report.answered_here;
    sum.stalled += report.stalled;
    sum.given_up += report.given_up;
    sum.changes += report.changes;
    sum.drained_out += report.drained_out;
    sum.departed += report.departed;
    sum.took_ns.insert(sum.took_ns.end(), report.took_ns.begin(), report.took_ns.end());
    sum.most_unsent = std::max(sum.most_unsent, report.most_unsent);
  }
  return sum;
}

Report run_seeds(const Weather& weather, uint64_t count = kSeeds) {
  return run_each({0, count}, [&](uint64_t) { return weather; });
}

}  // namespace

TEST_CASE("in fair weather every request gets its own response, whole, however bytes are split") {
  const Report sum = run_seeds({});
  CHECK(sum.asked > 0);
  CHECK(sum.answered == sum.asked);
}

TEST_CASE("a response that is reset at any byte is never taken for a whole one") {
  Weather weather;
  weather.response_reset = 300;
  const Report sum = run_seeds(weather);
  CHECK(sum.answered > 0);
  CHECK(sum.answered_here > 0);
}

TEST_CASE("a response that is cut at any byte is never taken for a whole one") {
  Weather weather;
  weather.response_cut = 300;
  const Report sum = run_seeds(weather);
  CHECK(sum.answered > 0);
  CHECK(sum.answered_here > 0);
}

TEST_CASE("an origin that closes while idle costs no request that may be sent again") {
  Weather weather;
  weather.close_after = 200;
  weather.close_idle = 300;
  const Report sum = run_seeds(weather);
  CHECK(sum.answered > sum.asked / 2);
}

TEST_CASE("a body that arrives while its request waits for another connection loses no byte") {
  Weather weather;
  weather.uploads = 700;
  weather.delay_us = 15'000;
  weather.close_idle = 900;
  const Report sum = run_seeds(weather, kSeeds * 8);
  CHECK(sum.answered > 0);
}

TEST_CASE("bytes that nobody asked for reach nobody") {
  Weather weather;
  weather.surplus = 300;
  const Report sum = run_seeds(weather);
  CHECK(sum.answered > sum.asked / 2);
}

TEST_CASE("an answer before the end of the request leaves nothing behind") {
  Weather weather;
  weather.early = 400;
  weather.big = 100;
  const Report sum = run_seeds(weather, kSeeds / 2);
  CHECK(sum.answered > 0);
}

TEST_CASE("endpoints that come and go cost no request, and what they counted stays in the sums") {
  Weather weather;
  weather.endpoints_change = 100;
  weather.uploads = 300;
  const Report sum = run_seeds(weather, kSeeds * 2);
  CHECK(sum.changes > sum.asked / 10);
  CHECK(sum.answered == sum.asked);
  CHECK(sum.departed > 0);
}

TEST_CASE("endpoints that come and go over HTTP/2 cost no request") {
  Weather weather;
  weather.endpoints_change = 100;
  weather.http2 = true;
  const Report sum = run_seeds(weather, kSeeds / 2);
  CHECK(sum.answered == sum.asked);
}

TEST_CASE("whoever waits in the queue of an endpoint that leaves is answered by another one") {
  Weather weather;
  weather.endpoints_change = 150;
  weather.max_connections = 1;
  const Report sum = run_seeds(weather);
  CHECK(sum.answered + sum.answered_here == sum.asked);
  CHECK(sum.answered > sum.asked * 9 / 10);
}

// By the simulated clock.
uint64_t p99_ns(std::vector<uint64_t> took_ns) {
  const auto place = took_ns.begin() + static_cast<ptrdiff_t>(took_ns.size() * 99 / 100);
  std::ranges::nth_element(took_ns, place);
  return *place;
}

TEST_CASE("changes of a set cost the requests that go on meanwhile no time") {
  Weather weather;
  const uint64_t before = p99_ns(run_seeds(weather).took_ns);
  weather.weights_change = 200;
  const Report sum = run_seeds(weather);
  CHECK(sum.changes > sum.asked);
  CHECK(sum.answered == sum.asked);
  CHECK(p99_ns(sum.took_ns) < before * 5 / 4);  // other chances, other delays
}

TEST_CASE("a set that is empty for a while answers 503, and goes on when it is back") {
  Weather weather;
  weather.endpoints_change = 100;
  weather.empty = 300;
  weather.uploads = 300;
  const Report sum = run_seeds(weather);
  CHECK(sum.answered_here > 0);
  CHECK(sum.answered > sum.asked / 2);
}

TEST_CASE("endpoints that are drained and ready again cost no request") {
  Weather weather;
  weather.endpoints_change = 100;
  weather.drained = 300;
  weather.max_connections = 2;
  const Report sum = run_seeds(weather);
  CHECK(sum.answered > sum.asked / 2);
}

Weather impatient() {
  Weather weather;
  weather.endpoints_change = 100;
  weather.reload = 30;
  weather.endpoint_drain_ms = 4;
  weather.mute = 100;
  weather.uploads = 300;
  weather.delay_us = 10'000;
  return weather;
}

TEST_CASE("what an endpoint that is gone has in flight for too long ends, and leaves nothing") {
  const Report sum = run_seeds(impatient());
  CHECK(sum.drained_out > 0);
  CHECK(sum.answered > 0);
}

TEST_CASE("over HTTP/2, too, what an endpoint that is gone has in flight for too long ends") {
  Weather weather = impatient();
  weather.http2 = true;
  weather.big = 100;
  const Report sum = run_seeds(weather, kSeeds / 2);
  CHECK(sum.drained_out > 0);
  CHECK(sum.answered > 0);
}

TEST_CASE("another configuration in the middle of requests costs none of them") {
  Weather weather;
  weather.reload = 100;
  weather.uploads = 300;
  const Report sum = run_seeds(weather, kSeeds * 2);
  CHECK(sum.changes > sum.asked / 10);
  CHECK(sum.answered + sum.answered_here == sum.asked);
}

TEST_CASE("changes in the worst weather leave nothing behind") {
  Weather weather;
  weather.endpoints_change = 60;
  weather.reload = 60;
  weather.refused = 100;
  weather.unanswered = 50;
  weather.response_reset = 100;
  weather.close_idle = 200;
  weather.abort = 200;
  weather.stop = 5;
  const Report sum = run_seeds(weather, kSeeds * 2);
  CHECK(sum.answered > 0);
}

TEST_CASE("a client that goes away at any byte takes its exchange with it") {
  Weather weather;
  weather.abort = 600;
  weather.half_close = 300;
  const Report sum = run_seeds(weather);
  CHECK(sum.answered > 0);
}

TEST_CASE("a dial that nobody waits for any more is counted, so that every dial has its end") {
  Weather weather;
  weather.abort = 600;
  weather.delay_us = 20'000;
  const Report sum = run_seeds(weather, kSeeds * 2);  // one world in twenty gives up a dial
  CHECK(sum.given_up > 0);
}

TEST_CASE("full buffers hold back whoever sends, and what is held stays bounded") {
  Weather weather;
  weather.big = 500;
  weather.slow = 300;
  weather.window_bytes = 16 * 1024;
  const Report sum = run_seeds(weather, kSeeds / 4);
  CHECK(sum.answered == sum.asked);
  CHECK(sum.most_unsent > 64 * 1024);
}

TEST_CASE("a client that takes a little at least every 200 ms is not cut off after 1 s") {
  Weather weather;
  weather.big = 300;
  weather.slow = 1000;
  weather.window_bytes = 16 * 1024;
  weather.write_stall_ms = 1000;
  const Report sum = run_seeds(weather, kSeeds / 8);
  CHECK(sum.stalled == 0);
  CHECK(sum.answered == sum.asked);
}

TEST_CASE("a client that takes nothing for write_stall is cut off, and no other") {
  Weather weather;
  weather.big = 300;
  weather.stuck = 300;
  weather.window_bytes = 16 * 1024;
  weather.write_stall_ms = 1000;
  const Report sum = run_seeds(weather, kSeeds / 4);
  CHECK(sum.answered > 0);
  CHECK(sum.stalled > 0);
}

TEST_CASE("dials that fail, hang or cannot begin are answered, and leave nothing behind") {
  Weather weather;
  weather.refused = 300;
  weather.unanswered = 100;
  weather.no_descriptor = 100;
  const Report sum = run_seeds(weather);
  CHECK(sum.answered > 0);
  CHECK(sum.answered_here > 0);
}

TEST_CASE("origins that never answer and a clock that jumps end in deadlines, not in leaks") {
  Weather weather;
  weather.mute = 200;
  weather.jump = 20;
  const Report sum = run_seeds(weather);
  CHECK(sum.answered > 0);
  CHECK(sum.answered_here > 0);
}

TEST_CASE("a pool of few connections serves its queue whatever becomes of them") {
  Weather weather;
  weather.max_connections = 2;
  weather.refused = 100;
  weather.close_after = 200;
  weather.abort = 200;
  weather.response_reset = 100;
  const Report sum = run_seeds(weather);
  CHECK(sum.answered > 0);
}

TEST_CASE("a worker that stops in the middle gives up everything, once") {
  Weather weather;
  weather.stop = 15;
  weather.big = 50;
  weather.max_connections = 3;
  const Report sum = run_seeds(weather);
  CHECK(sum.asked > 0);
}

TEST_CASE("everything at once") {
  Weather weather;
  weather.refused = 50;
  weather.unanswered = 20;
  weather.no_descriptor = 20;
  weather.response_reset = 50;
  weather.response_cut = 50;
  weather.close_after = 50;
  weather.close_idle = 100;
  weather.early = 50;
  weather.surplus = 30;
  weather.mute = 20;
  weather.abort = 200;
  weather.half_close = 100;
  weather.slow = 100;
  weather.big = 30;
  weather.jump = 3;
  weather.stop = 1;
  const Report unlimited = run_seeds(weather, kSeeds);
  CHECK(unlimited.answered > 0);
  weather.max_connections = 1;
  weather.window_bytes = 4096;
  const Report tight = run_seeds(weather, kSeeds);
  CHECK(tight.answered > 0);
}

TEST_CASE("a request that ends too early does not take back a response that is complete") {
  Weather weather;
  weather.mute = 300;  // answered by the proxy, in the middle of the request
  weather.uploads = 1000;
  weather.abort = 500;
  weather.partial_write = 900;  // so that the response is long on its way
  weather.jump = 20;
  run_seeds(weather);
}

TEST_CASE("over HTTP/2, too, every request gets its own response, whole") {
  Weather weather;
  weather.http2 = true;
  const Report sum = run_seeds(weather);
  CHECK(sum.asked > 0);
  CHECK(sum.answered == sum.asked);
}

TEST_CASE("over HTTP/2, too, full buffers hold back whoever sends") {
  Weather weather;
  weather.http2 = true;
  weather.big = 500;
  weather.slow = 300;
  weather.uploads = 300;
  weather.window_bytes = 16 * 1024;
  const Report sum = run_seeds(weather, kSeeds / 4);
  CHECK(sum.answered == sum.asked);
}

TEST_CASE("over HTTP/2, too, broken responses and clients that go leave nothing behind") {
  Weather weather;
  weather.http2 = true;
  weather.response_reset = 100;
  weather.response_cut = 100;
  weather.close_idle = 100;
  weather.early = 100;
  weather.surplus = 50;
  weather.abort = 300;
  weather.half_close = 100;
  weather.stop = 5;
  const Report sum = run_seeds(weather);
  CHECK(sum.answered > 0);
}

Weather everything_over_h2() {
  Weather weather;
  weather.http2 = true;
  weather.refused = 50;
  weather.unanswered = 20;
  weather.no_descriptor = 20;
  weather.response_reset = 50;
  weather.response_cut = 50;
  weather.close_after = 50;
  weather.early = 50;
  weather.mute = 20;
  weather.abort = 200;
  weather.slow = 100;
  weather.uploads = 200;
  weather.big = 50;
  weather.jump = 3;
  weather.stop = 1;
  return weather;
}

TEST_CASE("over HTTP/2, too, everything at once") {
  Weather weather = everything_over_h2();
  const Report unlimited = run_seeds(weather);
  CHECK(unlimited.answered > 0);
  weather.max_connections = 1;
  weather.window_bytes = 4096;
  const Report tight = run_seeds(weather);
  CHECK(tight.answered > 0);
}

// What an endpoint is known to endure grows again: it must not bring back one that was worn out.
TEST_CASE("a connection whose place was given to another one does not want it back") {
  Weather weather = everything_over_h2();
  weather.max_connections = 1;
  weather.window_bytes = 4096;
  for (const uint64_t seed : {1174, 6484}) {
    const Report report = run_scenario(seed, weather);
    CHECK_THAT(report.violation, Catch::Matchers::Equals(""));
  }
}

// Some of everything, and none of most of it.
Weather weather_of(uint64_t seed) {
  Random random(seed ^ 0x77EA77EA);
  const auto up_to = [&](unsigned most) {
    return random.chance(400) ? static_cast<unsigned>(random.between(1, most)) : 0;
  };
  Weather weather;
  weather.endpoints_change = up_to(150);
  weather.reload = up_to(150);
  weather.empty = up_to(300);
  weather.drained = up_to(300);
  if (random.chance(300)) weather.endpoint_drain_ms = random.between(0, 30);
  if (random.chance(300)) weather.delay_us = random.between(100, 20'000);
  if (random.chance(200)) weather.window_bytes = 4096 << random.below(4);
  weather.refused = up_to(200);
  weather.unanswered = up_to(50);
  weather.no_descriptor = up_to(50);
  weather.response_reset = up_to(150);
  weather.response_cut = up_to(150);
  weather.close_after = up_to(200);
  weather.close_idle = up_to(400);
  weather.early = up_to(200);
  weather.surplus = up_to(50);
  weather.mute = up_to(50);
  weather.abort = up_to(300);
  weather.uploads = up_to(700);
  weather.half_close = up_to(200);
  weather.slow = up_to(200);
  weather.big = up_to(30);
  weather.jump = up_to(5);
  weather.stop = random.chance(200) ? 2 : 0;
  weather.http2 = random.chance(300);
  if (random.chance(300)) weather.max_connections = static_cast<uint32_t>(random.between(1, 4));
  return weather;
}

// 10,000 of them, for as many cores as there are.
void run_weathers(uint64_t quarter) {
  constexpr uint64_t kCount = kSeeds * 25 / 6;
  const Report sum = run_each({quarter * kCount, kCount}, weather_of);
  CHECK(sum.asked > 0);
}

TEST_CASE("a weather for each of 10,000 seeds: the first quarter") {
  run_weathers(0);
}
TEST_CASE("a weather for each of 10,000 seeds: the second quarter") {
  run_weathers(1);
}
TEST_CASE("a weather for each of 10,000 seeds: the third quarter") {
  run_weathers(2);
}
TEST_CASE("a weather for each of 10,000 seeds: the fourth quarter") {
  run_weathers(3);
}

}  // namespace onehop::test
