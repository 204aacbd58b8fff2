// SPDX-License-Identifier: MIT
// The table of docs/balancing.md: every balancer in the world of world.h, at two loads. The same
// numbers each time, as all of it comes from one seed; docs/decisions/0052 draws the conclusion,
// and --check says whether it still holds.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <string>

#include "onehop/config/rules.h"
#include "world.h"

namespace {

using onehop::bench::World;
using onehop::config::Balance;

// Requests a second, and which of them are long.
struct Load {
  double rate;
  double long_share;
};

World::Terms terms_of(Balance algorithm, uint32_t factor, const Load& load, uint64_t seed) {
  World::Terms terms;
  terms.balancing.algorithm = algorithm;
  terms.balancing.hash_balance_factor = factor;
  terms.requests_per_second = load.rate;
  terms.long_share = load.long_share;
  terms.seed = seed;
  return terms;
}

void print(const std::string& name, const World::Result& result) {
  fmt::print("| `{}` | {:.1f} | {:.0f} | {:.1f} % | {:.1f} % | {:.1f} % | {:.1f} % |\n", name,
             result.p50_ms, result.p99_ms, 100 * result.errors, 100 * result.slow,
             100 * result.failing, 100 * result.retries);
}

void print_table(const Load& load, uint64_t seed) {
  fmt::print("{:.0f} requests/s{}:\n\n", load.rate,
             load.long_share > 0 ? ", of which one of a hundred takes 50 times as long" : "");
  fmt::print(
      "| `balance` | p50 ms | p99 ms | failed | to the slow one | to the one that fails | "
      "tries at the one that is down |\n|---|--:|--:|--:|--:|--:|--:|\n");
  for (const Balance algorithm :
       {Balance::round_robin, Balance::least_requests, Balance::random_two, Balance::peak_ewma,
        Balance::ring_hash, Balance::maglev}) {
    const std::string_view name = names(algorithm)[static_cast<size_t>(algorithm)];
    print(std::string(name), World::run(terms_of(algorithm, 125, load, seed)));
  }
  print("ring_hash` without a bound, `hash_balance_factor = 0",
        World::run(terms_of(Balance::ring_hash, 0, load, seed)));
  fmt::print("\n");
}

// What the default was chosen for.
bool holds(uint64_t seed) {
  const auto of = [&](Balance algorithm) {
    return World::run(terms_of(algorithm, 125, {1000, 0}, seed));
  };
  const World::Result chosen = of(onehop::config::Upstream{}.balance);
  const World::Result in_turn = of(Balance::round_robin);
  return chosen.p99_ms * 3 < in_turn.p99_ms * 2 && chosen.errors * 10 < in_turn.errors;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Balancers in a world of five replicas, three of which have a fault each");
  uint64_t seed = 1;
  bool check = false;
  app.add_option("--seed", seed, "What all chance comes from");
  app.add_flag("--check", check, "Only whether the default is what it was chosen for");
  CLI11_PARSE(app, argc, argv);
  if (check) return holds(seed) ? 0 : 1;
  for (const Load& load : {Load{500, 0}, Load{1000, 0}, Load{2000, 0}, Load{1000, 0.01}})
    print_table(load, seed);
  return 0;
}
