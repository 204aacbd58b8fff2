// SPDX-License-Identifier: MIT
// Choosing an endpoint, for each algorithm and 2, 8 and 64 replicas. Both look at every candidate:
// this says when that begins to matter.
#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "onehop/upstream/balancer.h"

namespace {

using onehop::config::Balance;
using onehop::upstream::Candidate;

void pick_endpoint(benchmark::State& state, Balance algorithm) {
  const auto count = static_cast<size_t>(state.range(0));
  const auto balancer = onehop::upstream::make_balancer(algorithm);
  balancer->rebuild(std::vector<size_t>(count, onehop::upstream::kNew));
  std::vector<Candidate> candidates(count);
  for (size_t i = 0; i < count; ++i) {
    candidates[i].weight = static_cast<uint32_t>(1 + i % 3);
    candidates[i].in_flight = static_cast<uint32_t>(i % 5);
  }
  while (state.KeepRunning()) {
    benchmark::DoNotOptimize(balancer->pick(candidates));
    benchmark::ClobberMemory();
  }
}
BENCHMARK_CAPTURE(pick_endpoint, round_robin, Balance::round_robin)->Arg(2)->Arg(8)->Arg(64);
BENCHMARK_CAPTURE(pick_endpoint, least_requests, Balance::least_requests)->Arg(2)->Arg(8)->Arg(64);

}  // namespace
