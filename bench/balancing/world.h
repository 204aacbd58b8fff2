// SPDX-License-Identifier: MIT
// Five replicas behind a balancer, in simulated time and from one seed: two are well, one takes ten
// times as long, one fails at once, one restarts again and again. What is real is the balancers and
// Penalties, as an Upstream uses them; each worker has its own. No health check takes anybody out.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <queue>
#include <random>
#include <vector>

#include "onehop/upstream/balancer.h"
#include "upstream/penalties.h"

namespace onehop::bench {

class World {
 public:
  static constexpr size_t kReplicas = 5;
  static constexpr size_t kSlow = 2;
  static constexpr size_t kFailing = 3;
  static constexpr size_t kRestarting = 4;

  struct Terms {
    upstream::Balancing balancing;  // its seed is made of `seed`
    double requests_per_second = 1000;
    double seconds = 60;
    double long_share = 0;  // of the requests, that take kLongTimes as long wherever they are
    size_t workers = 2;
    uint64_t seed = 1;
  };

  struct Result {
    double p50_ms = 0;
    double p99_ms = 0;
    double errors = 0;   // share of the requests that were answered with a failure
    double slow = 0;     // share of the attempts that the slow one got
    double failing = 0;  // and the one that fails
    double retries = 0;  // attempts at the one that is down, per request
  };
  static Result run(const Terms& terms);

 private:
  static constexpr size_t kSlots = 32;      // requests that a replica works on at once
  static constexpr size_t kUsers = 10'000;  // keys of requests
  static constexpr double kTakesMs = 10;    // on average, with an exponential distribution
  static constexpr double kLongTimes = 50;
  static constexpr double kFailsAfterMs = 0.5;
  static constexpr double kRestartEveryMs = 15'000;
  static constexpr double kDownMs = 3'000;
  static constexpr double kColdMs = 2'000;  // and then it takes three times as long

  struct Attempt {
    double began_ms;          // the request
    double began_attempt_ms;  // at this replica
    size_t worker;
    uint64_t hash;
    uint32_t excluded;  // a bit for each replica that was tried
  };
  struct Replica {
    size_t working = 0;
    std::deque<Attempt> waiting;
  };
  struct Worker {
    std::unique_ptr<upstream::Balancer> balancer;
    upstream::Penalties penalties;
    std::vector<upstream::Candidate> candidates;
  };
  struct End {
    double at_ms;
    uint64_t number;  // makes the order of what ends at once that of its begin
    size_t replica;
    Attempt attempt;
    bool operator>(const End& other) const {
      return at_ms != other.at_ms ? at_ms > other.at_ms : number > other.number;
    }
  };

  explicit World(const Terms& terms);
  void request(double now_ms);
  void attempt(Attempt attempt, double now_ms);
  void work(size_t replica, const Attempt& attempt, double now_ms);
  void end(const End& end);
  double chance() { return std::ldexp(static_cast<double>(random_() >> 11), -53); }
  double exponential(double mean) { return -mean * std::log1p(-chance()); }
  static bool down(double now_ms) { return std::fmod(now_ms, kRestartEveryMs) < kDownMs; }
  Result result();

  Terms terms_;
  std::mt19937_64 random_;
  std::array<Replica, kReplicas> replicas_;
  std::vector<Worker> workers_;
  std::priority_queue<End, std::vector<End>, std::greater<>> ends_;
  std::vector<double> latencies_;
  std::array<uint64_t, kReplicas> attempts_{};
  uint64_t number_ = 0;
  uint64_t errors_ = 0;
};

}  // namespace onehop::bench
