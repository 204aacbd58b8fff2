// SPDX-License-Identifier: MIT
#include "tests/support/seed.h"

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <random>
#include <string_view>

namespace onehop::test {
namespace {

// A misspelt seed must not silently become another one: it ends the run.
std::optional<uint64_t> seed_of_environment() {
  const char* text = std::getenv("ONEHOP_TEST_SEED");
  if (text == nullptr || *text == '\0') return std::nullopt;
  const std::string_view digits = text;
  uint64_t seed = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), seed);
  if (error != std::errc() || end != digits.data() + digits.size()) {
    std::fprintf(stderr, "ONEHOP_TEST_SEED must be a whole number, not '%s'\n", text);
    std::exit(2);
  }
  return seed;
}

// 32 bits, because Catch2's --rng-seed takes no more.
uint64_t first_seed() {
  return seed_of_environment().value_or(std::random_device{}());
}

uint64_t& current_seed() {
  static uint64_t seed = first_seed();
  return seed;
}

}  // namespace

uint64_t test_seed() {
  return current_seed();
}

void choose_test_seed(uint64_t seed) {
  if (!seed_of_environment()) current_seed() = seed;
}

}  // namespace onehop::test
