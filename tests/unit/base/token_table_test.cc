// SPDX-License-Identifier: MIT
#include "onehop/base/token_table.h"

#include <algorithm>
#include <atomic>
#include <barrier>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "onehop/base/keyed_hash.h"
#include "tests/support/catch.h"
#include "tests/support/seed.h"

namespace onehop {
namespace {

constexpr uint64_t kMs = 1'000'000, kSecond = 1'000 * kMs;
constexpr uint64_t kKey = 0x123456789abcdef0;

size_t granted(TokenTable& table, uint64_t burst, uint64_t now, size_t asked) {
  size_t count = 0;
  for (size_t i = 0; i < asked; ++i) count += table.take(kKey, burst, now).granted ? 1 : 0;
  return count;
}

TEST_CASE("a full bucket has its burst, and then one token for each that came back") {
  TokenTable table(4096, 100, kSecond);
  CHECK(granted(table, 50, kSecond, 80) == 50);
  CHECK(granted(table, 50, kSecond + 10 * kMs, 5) == 1);
  CHECK(granted(table, 50, kSecond + 19 * kMs, 5) == 0);
  CHECK(granted(table, 50, kSecond + 20 * kMs, 5) == 1);
  CHECK(granted(table, 50, 2 * kSecond, 80) == 50);  // it holds no more than that
}

TEST_CASE("what is said of a bucket is what is left, when the next token comes, when it is full") {
  TokenTable table(4096, 10, kSecond);
  const auto first = table.take(kKey, 3, kSecond);
  CHECK(first.granted);
  CHECK(first.left == 2);
  CHECK(first.full_ns == 100 * kMs);
  table.take(kKey, 3, kSecond);
  CHECK(table.take(kKey, 3, kSecond).left == 0);
  const auto refused = table.take(kKey, 3, kSecond + 40 * kMs);
  CHECK_FALSE(refused.granted);
  CHECK(refused.left == 0);
  CHECK(refused.wait_ns == 60 * kMs);
  CHECK(refused.full_ns == 260 * kMs);
  CHECK(table.take(kKey, 3, kSecond + 40 * kMs + refused.wait_ns).granted);
}

TEST_CASE("a rate that divides no second is exact over a long time") {
  const auto [tokens, per] =
      GENERATE(std::pair{uint64_t{3}, kSecond}, std::pair{uint64_t{7}, 60 * kSecond},
               std::pair{uint64_t{999'983}, kSecond}, std::pair{uint64_t{11}, 86'400 * kSecond});
  CAPTURE(tokens, per);
  TokenTable table(4096, tokens, per);
  // Asked far more often than tokens come back, over the time that 5,000 of them take.
  const uint64_t token_ns = per / tokens;
  size_t count = 0;
  uint64_t now = 12'345;
  const uint64_t end = now + 5'000 * per / tokens;
  for (; now <= end; now += token_ns / 7 + 1) count += granted(table, 2, now, 1);
  CHECK(count >= 5'000);
  CHECK(count <= 5'002);
}

TEST_CASE("whatever is asked when, a stretch of time has no more than the burst and its share") {
  INFO("seed " << test::test_seed());
  std::mt19937_64 random(test::test_seed());
  TokenTable table(4096, 17, kSecond);
  const uint64_t burst = 5;
  std::vector<uint64_t> times;
  uint64_t now = 0;
  for (int i = 0; i < 4'000; ++i) {
    now += random() % (90 * kMs);
    if (table.take(kKey, burst, now).granted) times.push_back(now);
  }
  for (size_t first = 0; first < times.size(); ++first) {
    for (size_t last = first; last < std::min(times.size(), first + 60); ++last) {
      const double share = static_cast<double>(times[last] - times[first]) * 17 / kSecond;
      const double most = static_cast<double>(burst) + share + 0.001;
      if (static_cast<double>(last - first + 1) > most) FAIL(first << " to " << last);
    }
  }
  CHECK(times.size() > 1'000);
}

TEST_CASE("a token that is given back can be taken again") {
  TokenTable table(4096, 1, 60 * kSecond);
  CHECK(granted(table, 2, kSecond, 3) == 2);
  table.give_back(kKey, kSecond);
  CHECK(granted(table, 2, kSecond, 3) == 1);
  table.give_back(kKey + 1, kSecond);  // nobody's
  for (int i = 0; i < 5; ++i) table.give_back(kKey, kSecond);
  CHECK(granted(table, 2, kSecond, 9) == 2);  // never more than a bucket
}

TEST_CASE("keys do not touch each other's buckets") {
  TokenTable table(64 * 1024, 1, 60 * kSecond);
  const HashSecret key{1, 2};
  for (int i = 0; i < 1'000; ++i) {
    const uint64_t hash = keyed_hash(key, std::to_string(i));
    CHECK(table.take(hash, 1, kSecond).granted);
  }
  size_t again = 0;
  for (int i = 0; i < 1'000; ++i)
    again += table.take(keyed_hash(key, std::to_string(i)), 1, kSecond).granted ? 1 : 0;
  CHECK(again == 0);
  CHECK(table.live(kSecond) == 1'000);
  CHECK(table.live(61 * kSecond) == 0);
}

// Of one set, so that each is told apart by its tag alone.
uint64_t nth(uint64_t n) {
  return n << KeyTable::kValueBits;
}

TEST_CASE("a full table forgets the bucket that is nearest to full, and says so") {
  TokenTable table(KeyTable::kSetBytes, 1, kSecond);
  REQUIRE(table.room() == KeyTable::kWays);
  for (uint64_t i = 1; i <= KeyTable::kWays; ++i) {
    const uint64_t taken = i == 4 ? 1 : 3;  // the fourth owes least
    for (uint64_t n = 0; n < taken; ++n) CHECK_FALSE(table.take(nth(i), 3, kSecond).forgot);
  }
  const auto new_one = table.take(nth(100), 3, kSecond);
  CHECK(new_one.granted);
  CHECK(new_one.forgot);
  CHECK(new_one.left == 2);
  CHECK_FALSE(table.take(nth(1), 3, kSecond).granted);  // that one was kept
  CHECK(table.take(nth(100), 3, kSecond).left == 1);
  const auto forgotten = table.take(nth(4), 3, kSecond);
  CHECK(forgotten.granted);
  CHECK(forgotten.left == 2);  // it begins anew
  CHECK(forgotten.forgot);
}

TEST_CASE("a bucket that is full again makes room without a word") {
  TokenTable table(KeyTable::kSetBytes, 1, kSecond);
  for (uint64_t i = 1; i <= 50; ++i) {
    const auto taken = table.take(nth(i), 1, i * 2 * kSecond);
    CHECK(taken.granted);
    CHECK_FALSE(taken.forgot);
  }
}

TEST_CASE("the clock of a table wraps around without a bucket that is empty or full for ever") {
  // A millionth of a second for a token: 2^44 parts are over after some four and a half hours.
  TokenTable table(4096, 1'000'000, kSecond);
  uint64_t now = kSecond;
  for (int hour = 0; hour < 40; ++hour) {
    CHECK(granted(table, 10, now, 20) == 10);
    now += 3'600 * kSecond;
    for (int minute = 0; minute < 60; ++minute)
      table.refresh(now - 3'600 * kSecond + static_cast<uint64_t>(minute) * 60 * kSecond);
  }
}

TEST_CASE("threads that take from one bucket at once never get more than it has") {
  constexpr size_t kThreads = 4, kAsked = 20'000;
  for (int round = 0; round < 5; ++round) {
    TokenTable table(4096, 1, 3'600 * kSecond);
    const uint64_t burst = 1 + static_cast<uint64_t>(round) * 5'000;
    std::atomic<size_t> count = 0;
    std::barrier begin(kThreads);
    std::vector<std::thread> threads;
    for (size_t i = 0; i < kThreads; ++i) {
      threads.emplace_back([&] {
        begin.arrive_and_wait();
        size_t mine = 0;
        for (size_t n = 0; n < kAsked; ++n)
          mine += table.take(kKey, burst, kSecond).granted ? 1 : 0;
        count += mine;
      });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(count == burst);
  }
}

// Each thread seats all keys of a crowded set in an order of its own, so that seatings meet; none
// is forgotten, as there are no more than a set has room for.
TEST_CASE("threads that bring the same new keys at once make one bucket of each") {
  constexpr size_t kThreads = 4, kRounds = 300;
  INFO("seed " << test::test_seed());
  std::optional<TokenTable> table(std::in_place, KeyTable::kSetBytes, 1, 3'600 * kSecond);
  std::atomic<size_t> count = 0, wrong = 0;
  std::barrier begin(kThreads);
  std::barrier end(kThreads, [&]() noexcept {
    if (count.exchange(0) != 2 * KeyTable::kWays) ++wrong;
    table.emplace(KeyTable::kSetBytes, 1, 3'600 * kSecond);
  });
  std::vector<std::thread> threads;
  for (size_t i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      std::vector<uint64_t> keys{1, 2, 3, 4, 5, 6, 7};
      std::mt19937_64 random(test::test_seed() + i);
      for (size_t round = 0; round < kRounds; ++round) {
        std::ranges::shuffle(keys, random);
        begin.arrive_and_wait();
        for (const uint64_t key : keys) {
          for (int n = 0; n < 2; ++n) count += table->take(nth(key), 2, kSecond).granted ? 1 : 0;
        }
        end.arrive_and_wait();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}

}  // namespace
}  // namespace onehop
