// SPDX-License-Identifier: MIT
// Choosing an endpoint, for each algorithm and 2, 8 and 64 replicas. All look at every candidate:
// this says when that begins to matter. And what the tables of hashes cost when a set changes.
#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "onehop/base/hash.h"
#include "onehop/upstream/balancer.h"

namespace {

using onehop::config::Balance;
using onehop::upstream::Candidate;

std::unique_ptr<onehop::upstream::Balancer> made(Balance algorithm, size_t count) {
  const std::vector<size_t> former(count, onehop::upstream::kNew);
  std::vector<uint64_t> keys(count);
  std::vector<uint32_t> weights(count);
  for (size_t i = 0; i < count; ++i) {
    keys[i] = onehop::mixed(i + 1);
    weights[i] = static_cast<uint32_t>(1 + i % 3);
  }
  auto balancer = onehop::upstream::make_balancer({algorithm, 125, 1});
  balancer->rebuild({former, keys, weights});
  return balancer;
}

void pick_endpoint(benchmark::State& state, Balance algorithm) {
  const auto count = static_cast<size_t>(state.range(0));
  const auto balancer = made(algorithm, count);
  std::vector<Candidate> candidates(count);
  for (size_t i = 0; i < count; ++i) {
    candidates[i].weight = static_cast<uint32_t>(1 + i % 3);
    candidates[i].in_flight = static_cast<uint32_t>(i % 5);
    balancer->answered(i, {1'000'000 * (1 + i % 7), onehop::upstream::Answer::good, 1000});
  }
  onehop::upstream::PickBy by{.hash = 1, .now_ms = 2000};
  while (state.KeepRunning()) {
    by.hash = onehop::mixed(*by.hash);
    benchmark::DoNotOptimize(balancer->pick(candidates, by));
    benchmark::ClobberMemory();
  }
}
BENCHMARK_CAPTURE(pick_endpoint, round_robin, Balance::round_robin)->Arg(2)->Arg(8)->Arg(64);
BENCHMARK_CAPTURE(pick_endpoint, least_requests, Balance::least_requests)->Arg(2)->Arg(8)->Arg(64);
BENCHMARK_CAPTURE(pick_endpoint, random_two, Balance::random_two)->Arg(2)->Arg(8)->Arg(64);
BENCHMARK_CAPTURE(pick_endpoint, peak_ewma, Balance::peak_ewma)->Arg(2)->Arg(8)->Arg(64);
BENCHMARK_CAPTURE(pick_endpoint, ring_hash, Balance::ring_hash)->Arg(2)->Arg(8)->Arg(64);
BENCHMARK_CAPTURE(pick_endpoint, maglev, Balance::maglev)->Arg(2)->Arg(8)->Arg(64);

// What another set costs a worker: its loop stands still for so long.
void rebuild(benchmark::State& state, Balance algorithm) {
  const auto count = static_cast<size_t>(state.range(0));
  while (state.KeepRunning()) benchmark::DoNotOptimize(made(algorithm, count));
}
BENCHMARK_CAPTURE(rebuild, ring_hash, Balance::ring_hash)->Arg(5)->Arg(64)->Arg(1000);
BENCHMARK_CAPTURE(rebuild, maglev, Balance::maglev)->Arg(5)->Arg(64)->Arg(1000);

}  // namespace
