// SPDX-License-Identifier: MIT
// Balancers see numbers and nothing else, so what they promise is counted here.
#include "onehop/upstream/balancer.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "balancer_side.h"
#include "tests/support/catch.h"

namespace onehop::upstream::test {
namespace {

using config::Balance;
using Candidates = std::vector<Candidate>;

Candidates weighted(const std::vector<uint32_t>& weights) {
  Candidates candidates;
  for (const uint32_t weight : weights) candidates.push_back({.weight = weight});
  return candidates;
}

// The picks of `count` rounds as letters: "aabac".
std::string picks_of(Balancer& balancer, const Candidates& candidates, size_t count) {
  std::string picks;
  for (size_t i = 0; i < count; ++i) {
    const auto pick = balancer.pick(candidates, {hash_of(std::to_string(i))});
    picks += pick.has_value() ? static_cast<char>('a' + *pick) : '-';
  }
  return picks;
}

TEST_CASE("round_robin gives each endpoint exactly its share of 1000 picks") {
  const std::vector<std::vector<uint32_t>> tables = {
      {1}, {1, 1}, {1, 1, 2}, {5, 1, 1, 3}, {100, 1, 24}, {1, 999}, {250, 250, 250, 250}};
  for (const auto& weights : tables) {
    const Candidates candidates = weighted(weights);
    const auto balancer = balancer_for(Balance::round_robin, candidates.size());
    uint32_t total = 0;
    for (const uint32_t weight : weights) total += weight;
    const size_t rounds = 1000 / total * total;  // whole turns
    const std::string picks = picks_of(*balancer, candidates, rounds);
    for (size_t i = 0; i < weights.size(); ++i) {
      INFO("weight " << weights[i] << " of " << total);
      const auto count = std::count(picks.begin(), picks.end(), static_cast<char>('a' + i));
      CHECK(static_cast<size_t>(count) == rounds * weights[i] / total);
    }
  }
}

TEST_CASE("round_robin is smooth: at no moment is an endpoint far from its share") {
  const Candidates candidates = weighted({5, 1, 1, 3});
  const auto balancer = balancer_for(Balance::round_robin, candidates.size());
  std::vector<double> counts(candidates.size(), 0);
  for (int i = 1; i <= 1000; ++i) {
    const auto pick = balancer->pick(candidates, {});
    REQUIRE(pick.has_value());
    ++counts[*pick];
    for (size_t k = 0; k < counts.size(); ++k) {
      INFO("pick " << i << ", endpoint " << k);
      REQUIRE(std::abs(counts[k] - i * candidates[k].weight / 10.0) <= 1.5);
    }
  }
}

TEST_CASE("round_robin spreads the picks of a heavy endpoint") {
  const auto balancer = balancer_for(Balance::round_robin, 3);
  CHECK(picks_of(*balancer, weighted({5, 1, 1}), 14) == "aabacaaaabacaa");
}

TEST_CASE("round_robin takes endpoints of one weight in turn") {
  const auto balancer = balancer_for(Balance::round_robin, 3);
  CHECK(picks_of(*balancer, weighted({1, 1, 1}), 7) == "abcabca");
}

TEST_CASE("round_robin shares what an excluded endpoint would get among the others") {
  Candidates candidates = weighted({2, 1, 1});
  candidates[0].excluded = true;
  const auto balancer = balancer_for(Balance::round_robin, candidates.size());
  const std::string picks = picks_of(*balancer, candidates, 1000);
  CHECK(std::count(picks.begin(), picks.end(), 'a') == 0);
  CHECK(std::count(picks.begin(), picks.end(), 'b') == 500);
  CHECK(std::count(picks.begin(), picks.end(), 'c') == 500);
  candidates[0].excluded = false;
  const std::string later = picks_of(*balancer, candidates, 1000);
  CHECK(std::abs(std::count(later.begin(), later.end(), 'a') - 500) <= 2);
}

TEST_CASE("no balancer picks an excluded endpoint, and with all excluded it picks none") {
  for (const Balance algorithm : kAlgorithms) {
    Candidates candidates = weighted({1, 1000, 1});
    const auto balancer = balancer_for(algorithm, candidates.size());
    candidates[1].excluded = true;
    CHECK(picks_of(*balancer, candidates, 50).find('b') == std::string::npos);
    for (Candidate& candidate : candidates) candidate.excluded = true;
    CHECK_FALSE(balancer->pick(candidates, {}).has_value());
    candidates[2].excluded = false;
    CHECK(picks_of(*balancer, candidates, 3) == "ccc");
  }
}

TEST_CASE("an upstream with no endpoint has none to pick") {
  for (const Balance algorithm : kAlgorithms) {
    CHECK_FALSE(balancer_for(algorithm, 0)->pick({}, {}).has_value());
  }
}

TEST_CASE("least_requests picks the endpoint with the least to do for its weight") {
  struct Row {
    std::vector<Candidate> candidates;
    size_t wanted;
  };
  const Row rows[] = {
      {{{1, 3}, {1, 2}, {1, 5}}, 1},
      {{{1, 0}, {4, 2}}, 1},                             // (0 + 1) / 1 against (2 + 1) / 4
      {{{1, 0}, {4, 4}}, 0},                             // against (4 + 1) / 4
      {{{2, 1, true}, {1, 9}}, 1},                       // the better one was tried already
      {{{1000, 4'000'000'000}, {1, 4'000'000'000}}, 0},  // no overflow
  };
  for (const Row& row : rows) {
    const auto balancer = balancer_for(Balance::least_requests, row.candidates.size());
    CHECK(balancer->pick(row.candidates, {}) == row.wanted);
    CHECK(balancer->pick(row.candidates, {}) == row.wanted);
  }
}

TEST_CASE("least_requests goes round where endpoints have the same load") {
  const auto balancer = balancer_for(Balance::least_requests, 3);
  CHECK(picks_of(*balancer, weighted({1, 1, 1}), 6) == "abcabc");
  Candidates candidates = weighted({1, 1, 1});
  candidates[1].in_flight = 1;
  CHECK(picks_of(*balancer, candidates, 4) == "acac");
}

TEST_CASE("least_requests gives idle endpoints their turns by weight") {
  const auto balancer = balancer_for(Balance::least_requests, 2);
  CHECK(picks_of(*balancer, weighted({1, 3}), 8) == "babbbabb");
}

TEST_CASE("least_requests fills endpoints in proportion to their weights") {
  Candidates candidates = weighted({1, 2, 5});
  const auto balancer = balancer_for(Balance::least_requests, candidates.size());
  for (int i = 0; i < 800; ++i) {
    const auto pick = balancer->pick(candidates, {});
    REQUIRE(pick.has_value());
    ++candidates[*pick].in_flight;
  }
  CHECK(candidates[0].in_flight == 100);
  CHECK(candidates[1].in_flight == 200);
  CHECK(candidates[2].in_flight == 500);
}

}  // namespace
}  // namespace onehop::upstream::test
