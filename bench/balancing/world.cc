// SPDX-License-Identifier: MIT
#include "world.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "onehop/base/hash.h"

namespace onehop::bench {

using upstream::Answer;

World::World(const Terms& terms) : terms_(terms), random_(terms.seed) {
  const std::vector<size_t> former(kReplicas, upstream::kNew);
  std::vector<uint64_t> keys;
  for (size_t i = 0; i < kReplicas; ++i) keys.push_back(hash_of("10.0.0." + std::to_string(i)));
  const std::vector<uint32_t> weights(kReplicas, 1);
  for (size_t i = 0; i < terms_.workers; ++i) {
    Worker& worker = workers_.emplace_back();
    upstream::Balancing balancing = terms_.balancing;
    balancing.seed = mixed(terms_.seed + i);
    worker.balancer = upstream::make_balancer(balancing);
    worker.balancer->rebuild({former, keys, weights});
    worker.penalties.rebuild(former);
    worker.candidates.resize(kReplicas);
  }
}

World::Result World::run(const Terms& terms) {
  World world(terms);
  const double between_ms = 1000 / terms.requests_per_second;
  double next_ms = world.exponential(between_ms);
  while (next_ms < terms.seconds * 1000 || !world.ends_.empty()) {
    if (!world.ends_.empty() && world.ends_.top().at_ms <= next_ms) {
      const End end = world.ends_.top();
      world.ends_.pop();
      world.end(end);
    } else {
      world.request(next_ms);
      next_ms += world.exponential(between_ms);
      if (next_ms >= terms.seconds * 1000) next_ms = INFINITY;
    }
  }
  return world.result();
}

void World::request(double now_ms) {
  const size_t worker = random_() % workers_.size();
  const uint64_t user = random_() % kUsers;
  attempt({now_ms, now_ms, worker, hash_of(std::to_string(user)), 0}, now_ms);
}

// One that is down refuses at once, and the request goes on to another one, as onehop does.
void World::attempt(Attempt attempt, double now_ms) {
  Worker& worker = workers_[attempt.worker];
  const auto clock_ms = static_cast<uint64_t>(now_ms);
  for (;;) {
    worker.penalties.apply(worker.candidates, clock_ms);
    for (size_t i = 0; i < kReplicas; ++i)
      worker.candidates[i].excluded = (attempt.excluded >> i & 1) != 0;
    const auto picked = worker.balancer->pick(worker.candidates, {attempt.hash, clock_ms});
    if (!picked.has_value()) {
      ++errors_;
      return;
    }
    ++attempts_[*picked];
    attempt.began_attempt_ms = now_ms;
    if (*picked != kRestarting || !down(now_ms)) {
      ++worker.candidates[*picked].in_flight;
      Replica& replica = replicas_[*picked];
      if (replica.working < kSlots || *picked == kFailing) return work(*picked, attempt, now_ms);
      return replica.waiting.push_back(attempt);
    }
    worker.penalties.add(*picked, clock_ms);
    worker.balancer->answered(*picked, {50'000, Answer::bad, clock_ms});
    attempt.excluded |= 1u << *picked;
  }
}

void World::work(size_t replica, const Attempt& attempt, double now_ms) {
  double takes_ms = exponential(kTakesMs);
  if (terms_.long_share > 0 && chance() < terms_.long_share) takes_ms *= kLongTimes;
  if (replica == kSlow) takes_ms *= 10;
  if (replica == kFailing) takes_ms = kFailsAfterMs;
  const double since_up_ms = std::fmod(now_ms, kRestartEveryMs) - kDownMs;
  if (replica == kRestarting && since_up_ms >= 0 && since_up_ms < kColdMs) takes_ms *= 3;
  ++replicas_[replica].working;
  ends_.push({now_ms + takes_ms, ++number_, replica, attempt});
}

void World::end(const End& end) {
  Replica& replica = replicas_[end.replica];
  Worker& worker = workers_[end.attempt.worker];
  const auto clock_ms = static_cast<uint64_t>(end.at_ms);
  const bool bad = end.replica == kFailing;
  const auto took_ns = static_cast<uint64_t>((end.at_ms - end.attempt.began_attempt_ms) * 1e6);
  --replica.working;
  --worker.candidates[end.replica].in_flight;
  worker.balancer->answered(end.replica, {took_ns, bad ? Answer::bad : Answer::good, clock_ms});
  if (bad) {
    worker.penalties.add(end.replica, clock_ms);
    ++errors_;
  }
  latencies_.push_back(end.at_ms - end.attempt.began_ms);
  if (replica.waiting.empty() || replica.working >= kSlots) return;
  const Attempt next = replica.waiting.front();
  replica.waiting.pop_front();
  work(end.replica, next, end.at_ms);
}

World::Result World::result() {
  std::ranges::sort(latencies_);
  const auto count = static_cast<double>(latencies_.size());
  const auto at = [&](double share) {
    return latencies_[static_cast<size_t>(share * (count - 1))];
  };
  double attempts = 0;
  for (const uint64_t one : attempts_) attempts += static_cast<double>(one);
  return {.p50_ms = at(0.5),
          .p99_ms = at(0.99),
          .errors = static_cast<double>(errors_) / count,
          .slow = static_cast<double>(attempts_[kSlow]) / attempts,
          .failing = static_cast<double>(attempts_[kFailing]) / attempts,
          .retries = attempts / count - 1};
}

}  // namespace onehop::bench
