// SPDX-License-Identifier: MIT
// The balancers that hash: where keys go, what moves when the set changes, and who takes them when
// their own endpoint does not.
#include <algorithm>
#include <cmath>
#include <random>
#include <set>
#include <vector>

#include "balancer_side.h"
#include "tests/support/catch.h"
#include "tests/support/seed.h"

namespace onehop::upstream::test {
namespace {

using config::Balance;
using onehop::test::test_seed;

constexpr size_t kKeys = 20'000;

uint64_t key(size_t i) {
  return hash_of("user-" + std::to_string(i));
}

std::unique_ptr<Balancer> without_bound(Balance algorithm, const Set& set) {
  return balancer_for({.algorithm = algorithm, .hash_balance_factor = 0, .seed = 1}, set);
}

// The name of the endpoint of each key.
std::vector<std::string> homes(Balance algorithm, const Set& set) {
  const auto balancer = without_bound(algorithm, set);
  const auto candidates = candidates_of(set);
  std::vector<std::string> names;
  for (size_t i = 0; i < kKeys; ++i)
    names.push_back(set[*balancer->pick(candidates, {key(i)})].name);
  return names;
}

double moved(const std::vector<std::string>& before, const std::vector<std::string>& after) {
  size_t count = 0;
  for (size_t i = 0; i < kKeys; ++i) count += before[i] != after[i] ? 1 : 0;
  return static_cast<double>(count) / kKeys;
}

TEST_CASE("a hashing balancer gives keys to endpoints by their weights") {
  const std::vector<std::vector<uint32_t>> tables = {
      {1, 1}, {1, 1, 1, 1, 1}, {1, 2, 4}, {10, 1}, {1000, 500, 250, 250}};
  for (const Balance algorithm : kHashing) {
    for (const auto& weights : tables) {
      Set set = set_of(weights.size());
      double total = 0;
      for (size_t i = 0; i < set.size(); ++i) total += set[i].weight = weights[i];
      const auto names = homes(algorithm, set);
      for (const Named& one : set) {
        const double share = static_cast<double>(std::ranges::count(names, one.name)) / kKeys;
        INFO(one.name << " of weight " << one.weight << " of " << total << " has " << share);
        CHECK(std::abs(share - one.weight / total) < 0.04);
      }
    }
  }
}

TEST_CASE("when an endpoint comes or goes at most 1/n and 5 % of the keys move") {
  for (const Balance algorithm : kHashing) {
    for (const size_t count : {size_t{2}, size_t{5}, size_t{20}, size_t{100}}) {
      const Set before = set_of(count);
      const Set more = set_of(count + 1);
      Set fewer = before;
      fewer.erase(fewer.begin() + static_cast<long>(count / 2));
      const auto names = homes(algorithm, before);
      INFO("of " << count);
      CHECK(moved(names, homes(algorithm, more)) <= 1.0 / static_cast<double>(count + 1) + 0.05);
      CHECK(moved(names, homes(algorithm, fewer)) <= 1.0 / static_cast<double>(count) + 0.05);
    }
  }
}

TEST_CASE("on a ring only the keys of an endpoint that goes move, and those to all others") {
  const Set before = set_of(5);
  Set after = before;
  after.erase(after.begin() + 2);
  const auto was = homes(Balance::ring_hash, before);
  const auto is = homes(Balance::ring_hash, after);
  std::set<std::string> heirs;
  for (size_t i = 0; i < kKeys; ++i) {
    if (was[i] == before[2].name) {
      heirs.insert(is[i]);
    } else {
      CHECK(was[i] == is[i]);
    }
  }
  CHECK(heirs.size() == 4);
}

TEST_CASE("every process places keys alike, whatever the order of its set and its chance") {
  Set set = set_of(7);
  set[3].weight = 4;
  Set other = set;
  std::ranges::reverse(other);
  for (const Balance algorithm : kHashing) CHECK(homes(algorithm, set) == homes(algorithm, other));
}

TEST_CASE("a set that comes back has its keys back") {
  for (const Balance algorithm : kHashing) {
    const Set set = set_of(4);
    const auto balancer = without_bound(algorithm, set);
    const auto home = balancer->pick(candidates_of(set), {key(1)});
    rebuild(*balancer, set_of(9));
    rebuild(*balancer, set);
    CHECK(balancer->pick(candidates_of(set), {key(1)}) == home);
  }
}

TEST_CASE("a key whose endpoint was tried goes to the next one, each time the same, to the last") {
  const Set set = set_of(5);
  for (const Balance algorithm : kHashing) {
    const auto balancer = without_bound(algorithm, set);
    for (size_t i = 0; i < 200; ++i) {
      std::vector<size_t> first;
      std::vector<size_t> again;
      for (auto* order : {&first, &again}) {
        auto candidates = candidates_of(set);
        while (const auto picked = balancer->pick(candidates, {key(i)})) {
          REQUIRE_FALSE(candidates[*picked].excluded);
          candidates[*picked].excluded = true;
          order->push_back(*picked);
        }
      }
      CHECK(first.size() == set.size());
      CHECK(first == again);
    }
  }
}

TEST_CASE("on a ring the next endpoint of a key is the one that has it when the first is gone") {
  const Set set = set_of(5);
  Set rest = set;
  rest.erase(rest.begin());
  const auto balancer = without_bound(Balance::ring_hash, set);
  const auto later = homes(Balance::ring_hash, rest);
  auto candidates = candidates_of(set);
  candidates[0].excluded = true;
  for (size_t i = 0; i < 2000; ++i)
    CHECK(set[*balancer->pick(candidates, {key(i)})].name == later[i]);
}

// Requests that stay, with keys of which a tenth is one and the same.
TEST_CASE("no endpoint has more in flight than its bound while requests come and go") {
  std::mt19937_64 random(test_seed());
  INFO("seed " << test_seed());
  Set set = set_of(6);
  set[1].weight = 3;
  constexpr double kTotalWeight = 8;
  for (const Balance algorithm : kHashing) {
    for (const uint32_t factor : {100u, 125u, 200u}) {
      const auto balancer =
          balancer_for({.algorithm = algorithm, .hash_balance_factor = factor, .seed = 1}, set);
      auto candidates = candidates_of(set);
      uint32_t in_flight = 0;
      for (int step = 0; step < 5000; ++step) {
        if (step > 400 && random() % 2 == 0) {
          Candidate& one = candidates[random() % candidates.size()];
          if (one.in_flight > 0) --one.in_flight, --in_flight;
          continue;
        }
        const uint64_t hash = random() % 10 == 0 ? key(0) : key(random() % 50);
        Candidate& picked = candidates[*balancer->pick(candidates, {hash})];
        ++picked.in_flight;
        ++in_flight;
        const double bound = std::ceil(factor / 100.0 * in_flight * picked.weight / kTotalWeight);
        REQUIRE(picked.in_flight <= std::max(4.0, bound));
      }
    }
  }
}

TEST_CASE("one key alone spreads no further than its bound makes it, and not while it is quiet") {
  const Set set = set_of(4);
  for (const Balance algorithm : kHashing) {
    const auto balancer =
        balancer_for({.algorithm = algorithm, .hash_balance_factor = 125, .seed = 1}, set);
    auto candidates = candidates_of(set);
    const size_t home = *balancer->pick(candidates, {key(3)});
    for (int i = 0; i < 4; ++i) {
      CHECK(balancer->pick(candidates, {key(3)}) == home);
      ++candidates[home].in_flight;
    }
    CHECK(balancer->pick(candidates, {key(3)}) != home);
    candidates[home].in_flight = 0;
    CHECK(balancer->pick(candidates, {key(3)}) == home);
  }
}

TEST_CASE("without a bound a key stays whatever its endpoint has to do") {
  const Set set = set_of(4);
  for (const Balance algorithm : kHashing) {
    const auto balancer = without_bound(algorithm, set);
    auto candidates = candidates_of(set);
    const size_t home = *balancer->pick(candidates, {key(3)});
    candidates[home].in_flight = 100'000;
    CHECK(balancer->pick(candidates, {key(3)}) == home);
  }
}

TEST_CASE("an endpoint that warms up gets more and more of its keys, and gives none back") {
  Set set = set_of(4);
  for (Named& one : set) one.weight = 1000;
  for (const Balance algorithm : kHashing) {
    const auto balancer = without_bound(algorithm, set);
    auto candidates = candidates_of(set);
    std::vector<bool> own(kKeys);
    std::vector<bool> has(kKeys);
    size_t all = 0;
    for (size_t i = 0; i < kKeys; ++i) {
      own[i] = balancer->pick(candidates, {key(i)}) == size_t{2};
      all += own[i] ? 1 : 0;
    }
    for (const uint32_t weight : {100u, 400u, 700u, 1000u}) {
      candidates[2].weight = weight;
      size_t count = 0;
      for (size_t i = 0; i < kKeys; ++i) {
        const bool here = balancer->pick(candidates, {key(i)}) == size_t{2};
        if (here) REQUIRE(own[i]);
        if (has[i]) REQUIRE(here);
        has[i] = here;
        count += here ? 1 : 0;
      }
      const double share = static_cast<double>(count) / static_cast<double>(all);
      CHECK(std::abs(share - weight / 1000.0) < 0.03);
    }
  }
}

TEST_CASE("a warming endpoint takes every key where there is no other") {
  const Set set = {{"a", 1000}};
  for (const Balance algorithm : kHashing) {
    const auto balancer = without_bound(algorithm, set);
    std::vector<Candidate> candidates = {{.weight = 100}};
    for (size_t i = 0; i < 100; ++i) CHECK(balancer->pick(candidates, {key(i)}) == size_t{0});
  }
}

TEST_CASE("a request without a key goes to the less loaded of two") {
  const Set set = set_of(3);
  for (const Balance algorithm : kHashing) {
    const auto balancer = balancer_for(algorithm, 3);
    auto candidates = candidates_of(set);
    std::vector<int> counts(3);
    for (int i = 0; i < 3000; ++i) ++counts[*balancer->pick(candidates, {})];
    for (const int count : counts) CHECK(std::abs(count - 1000) < 150);
    candidates[0].in_flight = 10;
    for (int i = 0; i < 100; ++i) CHECK(balancer->pick(candidates, {}) != size_t{0});
  }
}

TEST_CASE("hashes are the same on every machine, and spread what differs in one letter") {
  CHECK(hash_of("") == 0xEFD01F60BA992926u);
  CHECK(hash_of("user-1") == 0x41A2FCA5C68401C5u);
  CHECK(hash_of("user-1") != hash_of("user-2"));
  int bits = 0;
  for (int i = 0; i < 1000; ++i)
    bits += __builtin_popcountll(hash_of("k" + std::to_string(i)) ^
                                 hash_of("k" + std::to_string(i + 1)));
  CHECK(std::abs(bits - 32'000) < 1000);
}

}  // namespace
}  // namespace onehop::upstream::test
