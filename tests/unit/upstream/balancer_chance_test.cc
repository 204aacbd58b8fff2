// SPDX-License-Identifier: MIT
// The balancers that draw by chance: what is promised of shares, of load and of latencies, counted
// over many picks, each from a seed.
#include <algorithm>
#include <cmath>
#include <vector>

#include "balancer_side.h"
#include "tests/support/catch.h"
#include "tests/support/seed.h"

namespace onehop::upstream::test {
namespace {

using config::Balance;
using onehop::test::test_seed;

constexpr int kPicks = 20'000;

std::vector<int> counts_of(Balancer& balancer, const std::vector<Candidate>& candidates,
                           uint64_t now_ms = 0) {
  std::vector<int> counts(candidates.size());
  for (int i = 0; i < kPicks; ++i) {
    const auto picked = balancer.pick(candidates, {.now_ms = now_ms});
    REQUIRE(picked.has_value());
    ++counts[*picked];
  }
  return counts;
}

TEST_CASE("random_two and peak_ewma give idle endpoints their shares by weight") {
  INFO("seed " << test_seed());
  const Set set = {{"a", 5}, {"b", 1}, {"c", 1}, {"d", 3}};
  for (const Balance algorithm : {Balance::random_two, Balance::peak_ewma}) {
    const auto balancer = balancer_for({.algorithm = algorithm, .seed = test_seed()}, set);
    const auto counts = counts_of(*balancer, candidates_of(set));
    for (size_t i = 0; i < set.size(); ++i) {
      const double share = static_cast<double>(counts[i]) / kPicks;
      CHECK(std::abs(share - set[i].weight / 10.0) < 0.02);
    }
  }
}

TEST_CASE("what is left to chance is the same from the same seed, and not from another one") {
  const Set set = set_of(5);
  for (const Balance algorithm :
       {Balance::random_two, Balance::peak_ewma, Balance::ring_hash, Balance::maglev}) {
    const auto picks = [&](uint64_t seed) {
      const auto balancer = balancer_for({.algorithm = algorithm, .seed = seed}, set);
      std::vector<size_t> all;
      for (int i = 0; i < 100; ++i) all.push_back(*balancer->pick(candidates_of(set), {}));
      return all;
    };
    CHECK(picks(7) == picks(7));
    CHECK(picks(7) != picks(8));
  }
}

TEST_CASE("random_two never takes the most loaded endpoint, and keeps all within a few") {
  INFO("seed " << test_seed());
  const Set set = set_of(5);
  auto candidates = candidates_of(set);
  const auto balancer = balancer_for({.algorithm = Balance::random_two, .seed = test_seed()}, set);
  candidates[2].in_flight = 100;
  CHECK(counts_of(*balancer, candidates)[2] == 0);
  candidates[2].in_flight = 0;
  for (int i = 0; i < 5000; ++i) ++candidates[*balancer->pick(candidates, {})].in_flight;
  const auto [least, most] = std::ranges::minmax(candidates, {}, &Candidate::in_flight);
  CHECK(most.in_flight - least.in_flight < 20);
}

TEST_CASE("random_two takes what failed of late for load") {
  const Set set = set_of(2);
  auto candidates = candidates_of(set);
  candidates[0].failures = 4 * Candidate::kFailureUnits;
  const auto balancer = balancer_for(Balance::random_two, 2);
  CHECK(counts_of(*balancer, candidates)[0] == 0);
  candidates[1].in_flight = 5;
  CHECK(counts_of(*balancer, candidates)[1] == 0);
}

TEST_CASE("peak_ewma leaves an endpoint alone after one slow answer, and tries it again later") {
  const auto balancer = balancer_for(Balance::peak_ewma, 2);
  const auto candidates = candidates_of(set_of(2));
  for (const size_t place : {size_t{0}, size_t{1}})
    balancer->answered(place, {5'000'000, Answer::good, 1000});
  CHECK(std::abs(counts_of(*balancer, candidates, 1000)[0] - kPicks / 2) < kPicks / 20);
  balancer->answered(0, {500'000'000, Answer::good, 1000});
  CHECK(counts_of(*balancer, candidates, 1000)[0] == 0);
  // It is taken for as fast as the other one once 99 % of its peak are forgotten.
  balancer->answered(1, {5'000'000, Answer::good, 50'000});
  CHECK(counts_of(*balancer, candidates, 50'000)[0] > 0);
}

TEST_CASE("peak_ewma weighs the time of an answer with what is in flight") {
  const auto balancer = balancer_for(Balance::peak_ewma, 2);
  auto candidates = candidates_of(set_of(2));
  balancer->answered(0, {10'000'000, Answer::good, 0});
  balancer->answered(1, {1'000'000, Answer::good, 0});
  candidates[1].in_flight = 8;  // 9 x 1 ms against 1 x 10 ms
  CHECK(counts_of(*balancer, candidates)[0] == 0);
  candidates[1].in_flight = 11;
  CHECK(counts_of(*balancer, candidates)[1] == 0);
}

TEST_CASE("peak_ewma does not take an endpoint that fails at once for a fast one") {
  const auto balancer = balancer_for(Balance::peak_ewma, 2);
  const auto candidates = candidates_of(set_of(2));
  balancer->answered(0, {10'000'000, Answer::good, 0});
  balancer->answered(1, {20'000'000, Answer::good, 0});
  for (int i = 0; i < 1000; ++i) balancer->answered(1, {1000, Answer::bad, 0});
  CHECK(counts_of(*balancer, candidates)[1] == 0);
}

TEST_CASE("peak_ewma takes an endpoint whose failures are slow for a slow one") {
  const auto balancer = balancer_for(Balance::peak_ewma, 2);
  const auto candidates = candidates_of(set_of(2));
  balancer->answered(0, {10'000'000, Answer::good, 0});
  balancer->answered(1, {5'000'000, Answer::good, 0});
  CHECK(counts_of(*balancer, candidates)[0] == 0);
  balancer->answered(1, {2'000'000'000, Answer::bad, 0});
  CHECK(counts_of(*balancer, candidates)[1] == 0);
}

TEST_CASE("peak_ewma takes an endpoint that it has not met for an average one") {
  const auto balancer = balancer_for(Balance::peak_ewma, 3);
  const auto candidates = candidates_of(set_of(3));
  balancer->answered(0, {1'000'000, Answer::good, 0});
  balancer->answered(1, {9'000'000, Answer::good, 0});
  const auto counts = counts_of(*balancer, candidates);
  CHECK(counts[1] == 0);                                  // 9 ms, against 1 or 5
  CHECK(std::abs(counts[2] - kPicks / 3) < kPicks / 20);  // wherever the other one is the slow
  CHECK(std::abs(counts[0] - 2 * kPicks / 3) < kPicks / 20);
}

TEST_CASE("peak_ewma remembers those that stay in another set") {
  const auto balancer = balancer_for(Balance::peak_ewma, 2);
  balancer->answered(0, {1'000'000, Answer::good, 0});
  balancer->answered(1, {50'000'000, Answer::good, 0});
  const std::vector<size_t> former = {1, 0};
  const std::vector<uint64_t> keys = {1, 2};
  const std::vector<uint32_t> weights = {1, 1};
  balancer->rebuild({former, keys, weights});
  CHECK(counts_of(*balancer, candidates_of(set_of(2)))[0] == 0);
}

}  // namespace
}  // namespace onehop::upstream::test
