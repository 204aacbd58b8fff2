// SPDX-License-Identifier: MIT
// Failures as load, with the clock in the test's hand.
#include "upstream/penalties.h"

#include <algorithm>
#include <deque>
#include <string>

#include "balancer_side.h"
#include "tests/support/catch.h"

namespace onehop::upstream::test {
namespace {

using config::Balance;

std::vector<size_t> all_new(size_t count) {
  return std::vector<size_t>(count, kNew);
}

// Endpoints behind a balancer, one request a millisecond. Those that are good take `busy_ms` for
// one, those in `bad` fail at once.
class Replicas {
 public:
  Replicas(std::vector<uint32_t> weights, std::string bad, uint64_t busy_ms)
      : bad_(std::move(bad)),
        busy_ms_(busy_ms),
        candidates_(weights.size()),
        balancer_(balancer_for(Balance::least_requests, weights.size())),
        counts_(weights.size()) {
    penalties_.rebuild(all_new(weights.size()));
    for (size_t i = 0; i < weights.size(); ++i) candidates_[i].weight = weights[i];
  }

  void request() {
    ++now_ms_;
    while (!running_.empty() && running_.front().first <= now_ms_) {
      --candidates_[running_.front().second].in_flight;
      running_.pop_front();
    }
    penalties_.apply(candidates_, now_ms_);
    const auto picked = balancer_->pick(candidates_, {});
    REQUIRE(picked.has_value());
    ++counts_[*picked];
    if (bad_.find(static_cast<char>('a' + *picked)) != std::string::npos)
      return penalties_.add(*picked, now_ms_);
    ++candidates_[*picked].in_flight;
    running_.emplace_back(now_ms_ + busy_ms_, *picked);
  }

  void requests(int count) {
    for (int i = 0; i < count; ++i) request();
  }
  void wait(uint64_t milliseconds) { now_ms_ += milliseconds; }
  void heal() { bad_.clear(); }
  int count(char name) const { return counts_[static_cast<size_t>(name - 'a')]; }
  void forget() { std::ranges::fill(counts_, 0); }

 private:
  std::string bad_;
  uint64_t busy_ms_;
  uint64_t now_ms_ = 1'000'000;
  std::vector<Candidate> candidates_;
  Penalties penalties_;
  std::unique_ptr<Balancer> balancer_;
  std::vector<int> counts_;
  std::deque<std::pair<uint64_t, size_t>> running_;
};

TEST_CASE("least_requests does not feed an endpoint that fails at once") {
  for (const uint64_t busy_ms : {0u, 1u, 10u, 50u}) {
    CAPTURE(busy_ms);
    Replicas replicas({1, 1, 1}, "b", busy_ms);
    replicas.requests(2000);
    CHECK(replicas.count('b') <= 40);
    CHECK(replicas.count('b') >= 1);
    CHECK(std::abs(replicas.count('a') - replicas.count('c')) <= 100);
  }
}

TEST_CASE("an endpoint that has recovered gets its share again") {
  Replicas replicas({1, 1}, "a", 10);
  replicas.requests(2000);
  replicas.heal();
  replicas.wait(10'000);
  replicas.forget();
  replicas.requests(2000);
  CHECK(std::abs(replicas.count('a') - 1000) <= 100);
}

TEST_CASE("endpoints that all fail are asked evenly, by weight") {
  Replicas alike({1, 1, 1}, "abc", 0);
  alike.requests(3000);
  for (const char name : {'a', 'b', 'c'}) CHECK(std::abs(alike.count(name) - 1000) <= 30);
  Replicas weighted({1, 3}, "ab", 0);
  weighted.requests(4000);
  CHECK(std::abs(weighted.count('a') - 1000) <= 100);
}

TEST_CASE("a failure is so much load at first, half after a half-life, and none in the end") {
  Penalties penalties;
  penalties.rebuild(all_new(2));
  std::vector<Candidate> candidates(2);
  constexpr auto kWhole =
      static_cast<uint32_t>(Penalties::kRequestsPerFailure * Candidate::kFailureUnits);
  penalties.add(1, 5000);
  penalties.apply(candidates, 5000);
  CHECK(candidates[0].failures == 0);
  CHECK(candidates[1].failures == kWhole);
  penalties.apply(candidates, 6000);
  CHECK(candidates[1].failures == kWhole / 2);
  penalties.add(1, 6000);
  penalties.apply(candidates, 6000);
  CHECK(candidates[1].failures == kWhole / 2 * 3);
  penalties.apply(candidates, 26'000);
  CHECK(candidates[1].failures == 0);
}

TEST_CASE("failures change nothing for round_robin") {
  std::vector<Candidate> candidates(2);
  candidates[0].failures = 1'000'000;
  const auto balancer = balancer_for(Balance::round_robin, 2);
  int first = 0;
  for (int i = 0; i < 100; ++i) first += balancer->pick(candidates, {}) == size_t{0} ? 1 : 0;
  CHECK(first == 50);
}

TEST_CASE("any number of failures is a load that can be compared") {
  Penalties penalties;
  penalties.rebuild(all_new(1));
  std::vector<Candidate> candidates = {{.weight = 1000, .in_flight = 4'000'000'000}};
  for (int i = 0; i < 1'000'000; ++i) penalties.add(0, 1);
  penalties.apply(candidates, 1);
  CHECK(candidates[0].failures >= 1'000'000u);
  CHECK(balancer_for(Balance::least_requests, 1)->pick(candidates, {}) == size_t{0});
}

}  // namespace
}  // namespace onehop::upstream::test
