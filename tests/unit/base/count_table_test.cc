// SPDX-License-Identifier: MIT
#include "onehop/base/count_table.h"

#include <atomic>
#include <barrier>
#include <thread>
#include <vector>

#include "tests/support/catch.h"

namespace onehop {
namespace {

using Entry = CountTable::Entry;

uint64_t nth(uint64_t n) {
  return n << KeyTable::kValueBits;
}

TEST_CASE("a key is counted up to its limit, and again once some have gone") {
  CountTable table(4096);
  const auto first = table.add(nth(1), 2);
  CHECK(first.entry == Entry::counted);
  CHECK(table.add(nth(1), 2).entry == Entry::counted);
  CHECK(table.add(nth(1), 2).entry == Entry::refused);
  CHECK(table.add(nth(2), 2).entry == Entry::counted);
  CHECK(table.live() == 2);
  CountTable::remove(*first.cell);
  CHECK(table.add(nth(1), 2).entry == Entry::counted);
  CHECK(table.add(nth(1), 2).entry == Entry::refused);
}

TEST_CASE("a limit that is lowered holds for those who come, and none is sent away") {
  CountTable table(4096);
  for (int i = 0; i < 5; ++i) CHECK(table.add(nth(1), 5).entry == Entry::counted);
  CHECK(table.add(nth(1), 2).entry == Entry::refused);
}

TEST_CASE("a key of which there are some is never forgotten: who finds no room is not counted") {
  CountTable table(KeyTable::kSetBytes);
  std::vector<KeyTable::Cell*> cells;
  for (uint64_t i = 1; i <= KeyTable::kWays; ++i) cells.push_back(table.add(nth(i), 9).cell);
  CHECK(table.add(nth(100), 9).entry == Entry::no_room);
  CHECK(table.add(nth(3), 9).entry == Entry::counted);
  CountTable::remove(*cells[4]);
  CHECK(table.add(nth(100), 9).entry == Entry::counted);
  CHECK(table.add(nth(5), 9).entry == Entry::no_room);
}

TEST_CASE("threads that come and go at once are counted exactly, in a set that is crowded") {
  constexpr size_t kThreads = 4, kRounds = 30'000;
  constexpr uint64_t kKeys = 9, kLimit = 2;
  CountTable table(KeyTable::kSetBytes);
  std::atomic<int> held[kKeys] = {};
  std::atomic<size_t> beyond = 0;
  std::barrier begin(kThreads);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      begin.arrive_and_wait();
      for (size_t round = 0; round < kRounds; ++round) {
        const uint64_t key = (round * (2 * i + 1) + i) % kKeys;
        const auto added = table.add(nth(key + 1), kLimit);
        if (added.entry != Entry::counted) continue;
        if (++held[key] > static_cast<int>(kLimit)) ++beyond;
        --held[key];
        CountTable::remove(*added.cell);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(beyond == 0);
  CHECK(table.live() == 0);
}

}  // namespace
}  // namespace onehop
