// SPDX-License-Identifier: MIT
// An Arena hands out memory that stays where it is until all of it goes.
#include "onehop/base/arena.h"

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/seed.h"

namespace onehop {
namespace {

TEST_CASE("a copy in an arena outlives its original") {
  Arena arena;
  std::string text = "example.org";
  const std::string_view copy = arena.copy(text);
  text.assign(11, '-');
  CHECK(copy == "example.org");
  CHECK(arena.copy("").empty());
}

TEST_CASE("copies stay whole while more is asked of the arena than one chunk holds") {
  std::mt19937_64 random(test::test_seed());
  INFO("seed " << test::test_seed());
  Arena arena;
  std::vector<std::pair<std::string, std::string_view>> copies;
  for (int i = 0; i < 500; ++i) {
    std::string text(random() % (i % 50 == 0 ? 100'000 : 300), static_cast<char>('a' + i % 26));
    const std::string_view copy = arena.copy(text);
    copies.emplace_back(std::move(text), copy);
  }
  for (const auto& [text, copy] : copies) REQUIRE((text == copy));
}

TEST_CASE("memory is aligned as asked, whatever was asked before") {
  Arena arena;
  for (int i = 0; i < 2000; ++i) {
    static_cast<void>(arena.allocate(1 + static_cast<size_t>(i) % 7, 1));
    const size_t alignment = size_t{1} << (i % 5);
    const auto address = reinterpret_cast<uintptr_t>(arena.allocate(24, alignment));
    REQUIRE(address % alignment == 0);
  }
}

TEST_CASE("an array begins with its elements' defaults") {
  struct Pair {
    int number = 7;
    const char* text = nullptr;
  };
  Arena arena;
  static_cast<void>(arena.copy("odd"));
  for (const size_t count : {size_t{0}, size_t{1}, size_t{1000}}) {
    const auto array = arena.array<Pair>(count);
    REQUIRE(array.size() == count);
    for (const Pair& pair : array) REQUIRE((pair.number == 7 && pair.text == nullptr));
  }
}

TEST_CASE("a cleared arena begins at its own memory again") {
  Arena arena;
  const void* first = arena.allocate(16, 1);
  for (int i = 0; i < 100; ++i) static_cast<void>(arena.allocate(1000, 8));
  arena.clear();
  CHECK(arena.allocate(16, 1) == first);
}

}  // namespace
}  // namespace onehop
