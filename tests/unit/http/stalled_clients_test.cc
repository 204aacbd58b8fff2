// SPDX-License-Identifier: MIT
// Who is given up when the buffers of the process hold too much.
#include "onehop/http/stalled_clients.h"

#include <deque>

#include "onehop/base/buffer.h"
#include "tests/support/catch.h"
#include "tests/support/hand_loop.h"

namespace onehop::http {
namespace {

class Holder final : public StalledClient {
 public:
  explicit Holder(size_t bytes) : size_(bytes) { buffer_.append(std::string(bytes, 'x')); }
  size_t held_bytes() const noexcept override { return size_; }
  void give_up() override {
    given_up = true;
    buffer_.clear();
  }
  uint64_t taken_bytes() const noexcept override { return taken; }
  bool given_up = false;
  uint64_t taken = 0;

 private:
  size_t size_;
  Buffer buffer_;
};

constexpr size_t kPiece = 1024 * 1024;

struct Room {
  // Whatever else this process holds does not count.
  explicit Room(uint64_t bytes) { limits.buffered = buffered_memory() + bytes; }
  test::HandLoop loop;
  config::Limits limits;
  telemetry::Counter given_up;
  StalledClients clients{loop, limits, given_up};
};

TEST_CASE("nobody is given up while there is room") {
  Room room(16 * kPiece);
  Holder one(kPiece);
  room.clients.stalls(one);
  room.loop.end_turn();
  CHECK_FALSE(one.given_up);
  CHECK(room.given_up.value() == 0);
}

TEST_CASE("the one that took something longest ago goes first, and no more than needed") {
  Room room(4 * kPiece);
  Holder oldest(kPiece);
  Holder slow(kPiece);
  Holder newest(kPiece);
  room.clients.stalls(slow);
  room.clients.stalls(oldest);
  room.loop.pass_ms(5'000);
  room.clients.stalls(slow);  // it has taken something
  room.clients.stalls(newest);
  Holder large(2 * kPiece);
  room.clients.stalls(large);
  room.loop.end_turn();
  CHECK(oldest.given_up);
  CHECK_FALSE(slow.given_up);
  CHECK_FALSE(newest.given_up);
}

TEST_CASE("where nobody has been idle for long, whoever holds most goes") {
  Room room(4 * kPiece);
  Holder modest(kPiece / 4);
  Holder greedy(5 * kPiece);
  Holder other(kPiece / 4);
  room.clients.stalls(modest);
  room.clients.stalls(other);
  room.clients.stalls(greedy);
  room.loop.end_turn();
  CHECK(greedy.given_up);
  CHECK_FALSE(modest.given_up);
  CHECK_FALSE(other.given_up);
  CHECK(room.given_up.value() == 1);
}

TEST_CASE("who goes on, or is gone, is not given up") {
  Room room(kPiece);
  Holder one(2 * kPiece);
  room.clients.stalls(one);
  room.clients.goes_on(one);
  room.loop.end_turn();
  CHECK_FALSE(one.given_up);
  {
    Holder gone(2 * kPiece);
    room.clients.stalls(gone);
  }
  room.loop.end_turn();
  CHECK(room.given_up.value() == 0);
}

TEST_CASE("one client goes in a turn, and none when that has made room enough") {
  Room room(4 * kPiece);
  Holder first(3 * kPiece);
  Holder second(2 * kPiece);
  room.clients.stalls(first);
  room.clients.stalls(second);
  for (int i = 0; i < 3; ++i) room.loop.end_turn();
  CHECK(first.given_up);
  CHECK_FALSE(second.given_up);
}

TEST_CASE("clients that hold next to nothing do not go for those that hold much") {
  Room room(4 * kPiece);
  Holder modest(1024);
  room.clients.stalls(modest);
  room.loop.pass_ms(5'000);
  Holder greedy(5 * kPiece);
  room.clients.stalls(greedy);
  room.loop.end_turn();
  CHECK(greedy.given_up);
  CHECK_FALSE(modest.given_up);
}

TEST_CASE("many that hold little and most of it together go before those that move") {
  Room room(4 * kPiece);
  std::deque<Holder> hoarders;
  for (int i = 0; i < 100; ++i) room.clients.stalls(hoarders.emplace_back(60 * 1024));
  room.loop.pass_ms(5'000);
  Holder moving(kPiece / 2);
  room.clients.stalls(moving);
  for (int i = 0; i < 200; ++i) room.loop.end_turn();
  CHECK_FALSE(moving.given_up);
  CHECK(room.given_up.value() > 30);
  CHECK(room.given_up.value() < 60);
}

TEST_CASE("a client that takes something of what the kernel holds is not idle") {
  Room room(4 * kPiece);
  Holder reads(kPiece);
  Holder idle(kPiece);
  room.clients.stalls(reads);
  room.clients.stalls(idle);
  reads.taken = 1;
  room.loop.pass_ms(5'000);
  Holder large(3 * kPiece);
  room.clients.stalls(large);
  room.loop.end_turn();
  CHECK(idle.given_up);
  CHECK_FALSE(reads.given_up);
  CHECK_FALSE(large.given_up);
}

}  // namespace
}  // namespace onehop::http
