// SPDX-License-Identifier: MIT
// The seed of a test run. A test that needs chance takes it from here, so that a failure can be run
// again:
//
//   std::mt19937_64 random(test_seed());
//   INFO("seed " << test_seed());          // shown by Catch2 beside the assertion that fails
//
// The seed is the number in the environment variable ONEHOP_TEST_SEED, else that of the command
// line option --rng-seed, else a random one. It is the same for the whole process, and the test
// program prints it when a test has failed.
#pragma once

#include <cstdint>

namespace onehop::test {

// The seed of this run. Safe to call from any thread once main has begun.
uint64_t test_seed();

// For main alone, before any test runs: makes `seed` the seed of the run, unless the environment
// has chosen one.
void choose_test_seed(uint64_t seed);

}  // namespace onehop::test
