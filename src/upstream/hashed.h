// SPDX-License-Identifier: MIT
// What the hashing balancers have in common. Each has a table in which every candidate stands in
// many places, by its key and weight alone, so that all workers and all processes have the same
// one. A request begins at the place that its hash is of and goes round from there: the first
// candidate that takes it has it. So a request that is tried again goes to the next one on the way,
// and each key has an order of endpoints of its own.
//
//   bounded load   one that has its share of all requests in flight, and `hash_balance_factor` per
//                  cent of it, takes no more until some have ended (Mirrokni, Thorup and
//                  Zadimoghaddam, "Consistent hashing with bounded loads"). Below kNeverFull none
//                  is full, or a single client with a few requests at once would be scattered.
//   failures       of late count as load for what another one has no room for: one that fails at
//                  once has no request in flight and would get it all. Its own keys stay.
//   slow start     the table knows full weights. One that is warming takes a part of its keys that
//                  grows with its weight, and no key goes back.
//   no key         a request that has none goes to the less loaded of two drawn by chance
#pragma once

#include <algorithm>
#include <vector>

#include "onehop/base/hash.h"
#include "onehop/upstream/balancer.h"
#include "random_two.h"

namespace onehop::upstream {

class Hashed : public Balancer {
 public:
  static constexpr uint32_t kNeverFull = 4;  // requests in flight of this worker

  void rebuild(const Members& members) final;
  bool wants_hash() const final { return true; }

 protected:
  explicit Hashed(const Balancing& balancing)
      : factor_(balancing.hash_balance_factor), without_key_(balancing.seed) {}

  // A candidate for the table: in the order of keys, which no set's order can change.
  struct Placed {
    uint64_t key;
    uint32_t weight;
    uint32_t place;  // among the candidates

    bool operator==(const Placed&) const = default;
  };
  virtual void build(std::span<const Placed> placed) = 0;

  // `at(i)` is the candidate in place `i` of `size` from where the request begins.
  template <class At>
  std::optional<size_t> first_that_takes(std::span<const Candidate> candidates, uint64_t hash,
                                         size_t size, At at) const {
    const Bound bound = bound_of(candidates);
    if (bound.nobody()) return std::nullopt;
    std::optional<size_t> home;
    for (size_t i = 0; i < size; ++i) {
      const size_t candidate = at(i);
      if (candidates[candidate].out()) continue;
      if (!home.has_value()) home = candidate;
      const Keys keys = candidate == *home ? Keys::its_own : Keys::of_others;
      const bool is_full = factor_ != 0 && bound.is_full(candidates[candidate], keys);
      if (!is_full && takes(candidate, candidates[candidate].weight, hash)) return candidate;
    }
    return home;
  }

  std::optional<size_t> pick_without_key(std::span<const Candidate> candidates, const PickBy& by) {
    return without_key_.pick(candidates, by);
  }

 private:
  enum class Keys : uint8_t { its_own, of_others };
  // How many requests in flight are too many for a candidate of weight 1.
  struct Bound {
    double per_weight = 0;
    bool nobody() const { return per_weight == 0; }
    bool is_full(const Candidate& candidate, Keys keys) const {
      const uint64_t failures =
          keys == Keys::of_others ? candidate.failures / Candidate::kFailureUnits : 0;
      const uint64_t load = candidate.in_flight + failures;
      return load >= kNeverFull && static_cast<double>(load) >= per_weight * candidate.weight;
    }
  };
  Bound bound_of(std::span<const Candidate> candidates) const;

  // Whether a key is of those that the candidate has already: all of them once it is warm.
  bool takes(size_t candidate, uint32_t weight, uint64_t hash) const {
    const uint32_t full = weights_[candidate];
    return weight >= full || (mixed(hash) >> 32) * full < uint64_t{weight} << 32;
  }

  uint32_t factor_;
  RandomTwo without_key_;
  std::vector<uint32_t> weights_;
  std::vector<Placed> placed_;
};

}  // namespace onehop::upstream
