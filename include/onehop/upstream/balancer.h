// SPDX-License-Identifier: MIT
// Balancer: chooses an endpoint. Pure: it sees numbers and no sockets, so a test needs neither.
//
//   rebuild(members) -> (pick | answered)* -> rebuild(members) -> ...     by one thread
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "onehop/config/config.h"

namespace onehop::upstream {

// What a balancer may know of an endpoint.
struct Candidate {
  uint32_t weight = 1;     // at least 1; only how they compare to each other counts
  uint32_t in_flight = 0;  // requests of this worker that the endpoint has, or that wait for it
  bool excluded = false;   // already tried for this request, or out
  // What failed there of late, as load: so many sixteenths of a request in flight.
  uint32_t failures = 0;
  bool elsewhere = false;  // in another zone, while there are enough in onehop's own

  static constexpr uint32_t kFailureUnits = 16;

  // It is not to be picked.
  bool out() const noexcept { return excluded || elsewhere; }
  // What it has to do, in sixteenths of a request.
  uint64_t load() const noexcept { return uint64_t{in_flight} * kFailureUnits + failures; }
};

// Whether `one` has less to do for its weight.
inline bool less_loaded(const Candidate& one, const Candidate& other) noexcept {
  return one.load() * other.weight < other.load() * one.weight;
}

// Where each candidate of a new set stood in the one before; kNew: nowhere.
using Former = std::span<const size_t>;
constexpr size_t kNew = SIZE_MAX;

// What is remembered of each candidate, for the new set.
template <class T>
std::vector<T> carried_over(const std::vector<T>& before, Former former) {
  std::vector<T> now(former.size());
  for (size_t i = 0; i < former.size(); ++i) {
    if (former[i] != kNew) now[i] = before[former[i]];
  }
  return now;
}

// The candidates of a new set; all three are in its order, and as long.
struct Members {
  Former former;
  // What each is placed by among keys that are hashed: the same in every process, and no two alike.
  std::span<const uint64_t> keys;
  // Candidate::weight of each while it is not warming.
  std::span<const uint32_t> weights;
};

// What of a request decides where it goes.
struct PickBy {
  std::optional<uint64_t> hash = {};  // of its key (`hash_by`); nothing: it has none
  uint64_t now_ms = 0;                // by the loop's clock
};

// The first word of an answer, or its absence, for balancers that want_latencies().
enum class Answer : uint8_t {
  good,  // so long it took
  bad,   // a failure, or none came: it tells at best how long a good one takes at least
};

class Balancer {
 public:
  virtual ~Balancer() = default;

  // The candidates are others from now on, or weigh otherwise; before the first pick of them. What
  // is remembered of those that stay is kept.
  virtual void rebuild(const Members& members) = 0;

  // The index of the chosen candidate, of those that are not out(); nothing when there is none.
  virtual std::optional<size_t> pick(std::span<const Candidate> candidates, const PickBy& by) = 0;

  // Whether it looks at `PickBy::hash`, and at latencies: others are not told, so that nobody pays
  // for what is not looked at. Always the same of one balancer.
  virtual bool wants_hash() const { return false; }
  virtual bool wants_latencies() const { return false; }

  // From the choice of `candidate` for an attempt to the head of its response, or to its end.
  struct Latency {
    uint64_t ns = 0;
    Answer answer = Answer::good;
    uint64_t now_ms = 0;  // by the clock of PickBy
  };
  virtual void answered(size_t candidate, const Latency& latency) {
    static_cast<void>(candidate);
    static_cast<void>(latency);
  }
};

struct Balancing {
  config::Balance algorithm = config::Balance::round_robin;
  // Of those that hash: the most requests in flight that one endpoint may have, in percent of its
  // share of all of them; 100 and more, or 0: no bound.
  uint32_t hash_balance_factor = 0;
  uint64_t seed = 0;  // of what is left to chance
};

// For no candidate, until rebuild().
std::unique_ptr<Balancer> make_balancer(const Balancing& balancing);

}  // namespace onehop::upstream
