// SPDX-License-Identifier: MIT
// A balancer as an upstream uses it, for tests that count what it promises.
#pragma once

#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "onehop/base/hash.h"
#include "onehop/upstream/balancer.h"

namespace onehop::upstream::test {

constexpr config::Balance kAlgorithms[] = {
    config::Balance::round_robin, config::Balance::least_requests, config::Balance::random_two,
    config::Balance::peak_ewma,   config::Balance::ring_hash,      config::Balance::maglev};
constexpr config::Balance kHashing[] = {config::Balance::ring_hash, config::Balance::maglev};

// Replicas by name and weight, in their order.
struct Named {
  std::string name;
  uint32_t weight = 1;
};
using Set = std::vector<Named>;

inline Set set_of(size_t count) {
  Set set;
  for (size_t i = 0; i < count; ++i) set.push_back({"10.0.0." + std::to_string(i) + ":8080"});
  return set;
}

inline std::vector<Candidate> candidates_of(const Set& set) {
  std::vector<Candidate> candidates;
  for (const Named& one : set) candidates.push_back({.weight = one.weight});
  return candidates;
}

// Nobody of the set was there before.
inline void rebuild(Balancer& balancer, const Set& set) {
  const std::vector<size_t> former(set.size(), kNew);
  std::vector<uint64_t> keys;
  std::vector<uint32_t> weights;
  for (const Named& one : set) {
    keys.push_back(hash_of(one.name));
    weights.push_back(one.weight);
  }
  balancer.rebuild({former, keys, weights});
}

inline std::unique_ptr<Balancer> balancer_for(const Balancing& balancing, const Set& set) {
  auto balancer = make_balancer(balancing);
  rebuild(*balancer, set);
  return balancer;
}

// The same of so many of weight 1.
inline std::unique_ptr<Balancer> balancer_for(config::Balance algorithm, size_t count) {
  return balancer_for({.algorithm = algorithm, .seed = 1}, set_of(count));
}

}  // namespace onehop::upstream::test
