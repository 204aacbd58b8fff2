// SPDX-License-Identifier: MIT
// What one thread puts into a ring comes out at another one, whole and in order, or is refused.
#include "onehop/base/ring.h"

#include <cstring>
#include <string>
#include <thread>

#include "onehop/base/bell.h"
#include "tests/support/catch.h"
#include "tests/support/deadline.h"

namespace onehop {
namespace {

bool put(Ring& ring, std::string_view record) {
  char* const room = ring.reserve(record.size());
  if (room == nullptr) return false;
  std::memcpy(room, record.data(), record.size());
  ring.publish();
  return true;
}

std::string take(Ring& ring) {
  std::string record(ring.front());
  ring.pop();
  return record;
}

// Of another length each, with its number in it.
std::string numbered(size_t number) {
  std::string text = std::to_string(number) + ":";
  return text + std::string(number * 37 % 700, static_cast<char>('a' + number % 26));
}

TEST_CASE("records come out of a ring as they were put in, and it is empty then") {
  Ring ring(4096);
  CHECK(ring.empty());
  for (const std::string_view record : {"one", "", "three and more"}) CHECK(put(ring, record));
  for (const std::string_view record : {"one", "", "three and more"}) {
    REQUIRE_FALSE(ring.empty());
    CHECK(take(ring) == record);
  }
  CHECK(ring.empty());
}

TEST_CASE("what was reserved and not handed over is not there, and its room is used again") {
  Ring ring(4096);
  REQUIRE(ring.reserve(100) != nullptr);
  CHECK(ring.empty());
  CHECK(put(ring, "kept"));
  REQUIRE_FALSE(ring.empty());
  CHECK(take(ring) == "kept");
}

TEST_CASE("a full ring refuses, and takes more once something was taken out") {
  Ring ring(4096);
  const std::string record(1000, 'x');
  size_t count = 0;
  while (put(ring, record)) ++count;
  CHECK(count == 4);
  CHECK_FALSE(put(ring, record));
  CHECK(take(ring) == record);
  CHECK(put(ring, record));
  for (size_t i = 0; i < count; ++i) {
    REQUIRE_FALSE(ring.empty());
    CHECK(take(ring) == record);
  }
  CHECK(ring.empty());
}

TEST_CASE("a record that is larger than half of the ring never fits") {
  Ring ring(4096);
  CHECK(ring.reserve(2048 - 8) != nullptr);
  CHECK(ring.reserve(2048) == nullptr);
}

TEST_CASE("records of any length go round the end of the memory many times") {
  Ring ring(4096);
  for (size_t i = 0; i < 2000; ++i) {
    REQUIRE(put(ring, numbered(i)));
    REQUIRE(put(ring, numbered(i + 1)));
    REQUIRE_FALSE(ring.empty());
    REQUIRE(take(ring) == numbered(i));
    REQUIRE_FALSE(ring.empty());
    REQUIRE(take(ring) == numbered(i + 1));
  }
}

TEST_CASE("how much waits in a ring is known to who fills it") {
  Ring ring(4096);
  CHECK_FALSE(ring.holds(1));
  put(ring, std::string(1000, 'x'));
  CHECK(ring.holds(1000));
  CHECK_FALSE(ring.holds(2000));
  ring.empty();
  ring.pop();
  CHECK_FALSE(ring.holds(1000));
}

TEST_CASE("two threads and a small ring: each record that was taken comes, in order, as it was") {
  constexpr size_t kRecords = 10'000;
  Ring ring(16 * 1024);
  std::atomic<bool> ended = false;
  size_t refused = 0;
  std::thread writer([&] {
    for (size_t i = 0; i < kRecords;) {
      // One that is refused is left out now and then, as a worker does, and tried again else.
      const bool taken = put(ring, numbered(i));
      if (!taken) {
        ++refused;
        std::this_thread::yield();  // to the reader, where both have one core
      }
      if (taken || i % 7 == 0) ++i;
    }
    ended = true;
  });
  size_t seen = 0;
  size_t next = 0;
  bool whole = true;
  while (true) {
    const bool last = ended;
    const uint64_t come = ring.come();
    while (!ring.taken_up_to(come) && !ring.empty()) {
      const std::string record = take(ring);
      const size_t number = std::stoul(record);
      whole &= number >= next && record == numbered(number);
      next = number + 1;
      ++seen;
    }
    if (last) break;
    std::this_thread::yield();
  }
  writer.join();
  CHECK(whole);
  CHECK(seen + refused >= kRecords);
  CHECK(seen > kRecords / 2);
}

TEST_CASE("a bell wakes who sleeps, and who was woken before sleeps no more") {
  Bell bell;
  std::atomic<int> woken = 0;
  std::thread sleeper([&] {
    bell.await(test::patience());
    ++woken;
    bell.await(test::patience());
    ++woken;
  });
  bell.wake();
  CHECK(test::eventually([&] { return woken == 1; }));
  CHECK(test::eventually([&] {
    bell.ring();
    return woken == 2;
  }));
  sleeper.join();
}

}  // namespace
}  // namespace onehop
