// SPDX-License-Identifier: MIT
// When endpoints are checked.
#include <algorithm>
#include <map>

#include "tests/support/seed.h"
#include "tests/unit/upstream/probe_side.h"

namespace onehop::upstream::test {
namespace {

using config::milliseconds;

// Lets `ms` go by, every dial refused or every check (of tcp) passed; returns when each was dialed.
enum class Does { refuse, accept };
std::vector<uint64_t> dials_in(ProbeSide& side, uint64_t ms, Does does) {
  std::vector<uint64_t> times;
  for (uint64_t passed = 0; passed < ms; passed += 8) {
    side.pass_ms(8);
    while (side.dialer.pending() > 0) {
      times.push_back(side.loop.now_ms());
      does == Does::accept ? static_cast<void>(side.dialer.accept())
                           : side.dialer.refuse(ECONNREFUSED);
      side.loop.end_turn();
    }
  }
  return times;
}

// The shortest and the longest time between two.
std::pair<uint64_t, uint64_t> gaps(const std::vector<uint64_t>& times) {
  REQUIRE(times.size() > 2);
  std::pair<uint64_t, uint64_t> found{UINT64_MAX, 0};
  for (size_t i = 1; i < times.size(); ++i) {
    const uint64_t gap = times[i] - times[i - 1];
    found = {std::min(found.first, gap), std::max(found.second, gap)};
  }
  return found;
}

TEST_CASE("from one check to the next it is the interval, a tenth more or less") {
  INFO("seed " << onehop::test::test_seed());
  ProbeSide side;
  side.seed = onehop::test::test_seed();
  side.upstream.health.check = config::HealthCheck::tcp;
  side.use({"10.0.0.1:8000"});
  const auto [least, most] = gaps(dials_in(side, 1'000'000, Does::accept));
  CHECK(least >= 4500);
  CHECK(most <= 5516);
  CHECK(most - least > 500);  // they do differ
}

TEST_CASE("an endpoint whose last check failed is asked more often, and never less") {
  ProbeSide side;
  side.upstream.health.check = config::HealthCheck::tcp;
  side.use({"10.0.0.1:8000"});
  const auto [least, most] = gaps(dials_in(side, 100'000, Does::refuse));
  CHECK(least >= 900);
  CHECK(most <= 1116);
  side.upstream.health.interval = milliseconds(200);
  side.use({"10.0.0.1:8000"});
  dials_in(side, 1000, Does::refuse);
  CHECK(gaps(dials_in(side, 20'000, Does::refuse)).second <= 236);
}

TEST_CASE("an endpoint has one check at a time, and the next follows one that takes long") {
  ProbeSide side;
  side.upstream.health.interval = milliseconds(100);
  side.upstream.health.timeout = milliseconds(1000);
  side.use({"10.0.0.1:8000"});
  for (int i = 0; i < 50; ++i) {
    side.pass_ms(8);
    CHECK(side.dialer.asked == 1);
  }
  side.pass_ms(640);
  CHECK(side.results.size() == 1);
  side.pass_ms(16);
  CHECK(side.dialer.asked == 2);
}

TEST_CASE("a new endpoint is checked at once, and one that is gone no more") {
  ProbeSide side;
  side.upstream.health.check = config::HealthCheck::tcp;
  side.use({"10.0.0.1:8000"});
  CHECK(dials_in(side, 8, Does::accept).size() == 1);
  side.use({"10.0.0.1:8000", "10.0.0.2:8000"});
  CHECK(dials_in(side, 8, Does::accept).size() == 1);
  CHECK(side.results.back().first == side.ids["10.0.0.2:8000"]);
  side.use({"10.0.0.2:8000"});
  side.results.clear();
  dials_in(side, 30'000, Does::accept);
  CHECK(std::ranges::count(side.results, side.ids["10.0.0.1:8000"],
                           &std::pair<EndpointId, std::string>::first) == 0);
  CHECK(side.results.size() >= 5);
}

TEST_CASE("an endpoint that goes while it is checked is not heard of again") {
  ProbeSide side;
  side.use({"10.0.0.1:8000", "10.0.0.2:8000"});
  side.pass_ms(8);
  CHECK(side.dialer.pending() == 2);
  side.use({"10.0.0.2:8000"});
  CHECK(side.dialer.pending() == 1);
}

TEST_CASE("the first checks of many endpoints are spread, unless requests wait for them") {
  std::vector<std::string> many;
  for (int i = 1; i <= 200; ++i) many.push_back("10.0.0." + std::to_string(i) + ":80");
  ProbeSide side;
  side.upstream.health.check = config::HealthCheck::tcp;
  side.use(many);
  CHECK(dials_in(side, 8, Does::accept).size() < 20);
  dials_in(side, 5000, Does::accept);
  std::map<EndpointId, int> counts;
  for (const auto& [id, line] : side.results) ++counts[id];
  CHECK(counts.size() == many.size());

  ProbeSide waited;
  waited.upstream.health.check = config::HealthCheck::tcp;
  waited.upstream.health.start = config::HealthStart::checked;
  waited.use(many);
  CHECK(dials_in(waited, 8, Does::accept).size() == many.size());
}

TEST_CASE("what is configured anew holds from the next check on, which is within its interval") {
  ProbeSide side;
  side.upstream.health.interval = std::chrono::hours(1);
  HandPeer& peer = side.ask();
  side.upstream.health.interval = milliseconds(1000);
  side.upstream.health.path = "/other";
  side.upstream.health.status = {"404"};
  side.use({"10.0.0.1:8000"});
  side.answer(peer, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  CHECK(side.latest() == "passed: it answered 200");  // as it began
  side.pass_ms(1108);
  REQUIRE(side.dialer.pending() == 1);
  HandPeer& other = side.dialer.accept();
  side.loop.end_turn();
  CHECK(other.taken.starts_with("GET /other HTTP/1.1\r\n"));
  side.answer(other, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  CHECK(side.latest() == "failed: it answered 200");

  ProbeSide rare;
  rare.upstream.health.check = config::HealthCheck::tcp;
  rare.upstream.health.interval = std::chrono::hours(1);
  rare.ask();
  rare.upstream.health.interval = milliseconds(1000);
  rare.use({"10.0.0.1:8000"});
  CHECK(!dials_in(rare, 1008, Does::accept).empty());
}

TEST_CASE("a set that is the same does not put a check off, nor bring it forward") {
  ProbeSide side;
  side.upstream.health.check = config::HealthCheck::tcp;
  side.use({"10.0.0.1:8000"});
  size_t count = 0;
  for (int i = 0; i < 100; ++i) {
    count += dials_in(side, 200, Does::accept).size();
    side.use({"10.0.0.1:8000"});
  }
  CHECK(count >= 4);  // 20 s
  CHECK(count <= 5);
}

}  // namespace
}  // namespace onehop::upstream::test
