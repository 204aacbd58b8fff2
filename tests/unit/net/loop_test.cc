// SPDX-License-Identifier: MIT
// The end of a turn, driven by hand: outputs are flushed once, and what was retired is destroyed
// only then.
#include "onehop/net/loop.h"

#include <functional>
#include <memory>
#include <string>

#include "tests/support/catch.h"

namespace onehop::net {
namespace {

class HandLoop final : public Loop {
 public:
  uint64_t now_ns() const override { return time_ms * 1'000'000; }
  uint64_t now_ms() const override { return time_ms; }
  void advance_to(uint64_t ms) {
    time_ms = ms;
    deadlines_.advance(ms);
  }

  uint64_t time_ms = 1000;
  uint64_t armed_ms = 0;  // the last that on_armed brought

 protected:
  void on_armed(uint64_t due_ms) override { armed_ms = due_ms; }
};

// Notes its end, and does what the test says while it ends.
struct Ending final : Retirable {
  Ending(std::string& book, std::string text, std::function<void()> last = {})
      : notes(book), name(std::move(text)), then(std::move(last)) {}
  ~Ending() override {
    notes += name + " ";
    if (then) then();
  }
  std::string& notes;
  std::string name;
  std::function<void()> then;
};

struct Output final : Dirty {
  explicit Output(std::function<void()> action = {}) : then(std::move(action)) {}
  void flush() override {
    ++flushes;
    if (then) then();
  }
  int flushes = 0;
  std::function<void()> then;
};

TEST_CASE("what is put off is flushed at the end of the next turn, and not in this one") {
  HandLoop loop;
  int rounds = 0;
  Output* self = nullptr;
  Output work([&] {
    if (++rounds < 3) loop.mark_later(*self);
  });
  self = &work;
  loop.mark_dirty(work);
  loop.end_turn();
  CHECK(rounds == 1);
  CHECK(loop.has_work());
  loop.end_turn();
  CHECK(rounds == 2);
  loop.end_turn();
  CHECK(rounds == 3);
  CHECK_FALSE(loop.has_work());
}

TEST_CASE("what is put off twice, or marked as well, is flushed once") {
  HandLoop loop;
  Output work;
  loop.mark_later(work);
  loop.mark_later(work);
  loop.mark_dirty(work);
  loop.end_turn();
  CHECK(work.flushes == 0);
  loop.end_turn();
  CHECK(work.flushes == 1);
}

TEST_CASE("a turn has a share of costly steps, and each turn a new one") {
  HandLoop loop;
  const auto steps = [&] {
    int count = 0;
    while (loop.take_costly_step()) ++count;
    return count;
  };
  const int share = steps();
  CHECK(share > 0);
  CHECK(steps() == 0);
  loop.end_turn();
  CHECK(steps() == share);
}

TEST_CASE("what is retired lives until the turn ends") {
  HandLoop loop;
  std::string notes;
  loop.retire(std::make_unique<Ending>(notes, "a"));
  loop.retire(nullptr);
  CHECK(notes.empty());
  loop.end_turn();
  CHECK(notes == "a ");
  loop.end_turn();
  CHECK(notes == "a ");
}

TEST_CASE("everything that is retired in one turn is destroyed, once") {
  HandLoop loop;
  std::string notes;
  for (const char* name : {"a", "b", "c"}) loop.retire(std::make_unique<Ending>(notes, name));
  loop.end_turn();
  CHECK(notes.size() == 6);
  for (const char* name : {"a", "b", "c"}) CHECK(notes.find(name) != std::string::npos);
}

TEST_CASE("an output that is marked several times is flushed once, at the end of the turn") {
  HandLoop loop;
  Output output;
  for (int i = 0; i < 3; ++i) loop.mark_dirty(output);
  CHECK(output.flushes == 0);
  loop.end_turn();
  CHECK(output.flushes == 1);
  loop.end_turn();
  CHECK(output.flushes == 1);
  loop.mark_dirty(output);
  loop.end_turn();
  CHECK(output.flushes == 2);
}

TEST_CASE("an output that dies in its turn is not flushed") {
  HandLoop loop;
  bool flushed = false;
  {
    Output output([&] { flushed = true; });
    loop.mark_dirty(output);
  }
  loop.end_turn();
  CHECK_FALSE(flushed);
}

TEST_CASE("outputs are flushed before anything that was retired is destroyed") {
  HandLoop loop;
  std::string notes;
  Output output([&] { notes += "flush "; });
  loop.retire(std::make_unique<Ending>(notes, "end"));
  loop.mark_dirty(output);
  loop.end_turn();
  CHECK(notes == "flush end ");
}

TEST_CASE("what is retired by a flush is destroyed in the same turn") {
  HandLoop loop;
  std::string notes;
  Output output([&] { loop.retire(std::make_unique<Ending>(notes, "late")); });
  loop.mark_dirty(output);
  loop.end_turn();
  CHECK(notes == "late ");
}

TEST_CASE("what is made dirty by a destruction is flushed in the same turn") {
  HandLoop loop;
  std::string notes;
  Output output;
  loop.retire(std::make_unique<Ending>(notes, "end", [&] { loop.mark_dirty(output); }));
  loop.end_turn();
  CHECK(output.flushes == 1);
}

TEST_CASE("what is retired by a destruction is destroyed in the same turn") {
  HandLoop loop;
  std::string notes;
  loop.retire(std::make_unique<Ending>(
      notes, "outer", [&] { loop.retire(std::make_unique<Ending>(notes, "inner")); }));
  loop.end_turn();
  CHECK(notes == "outer inner ");
}

TEST_CASE("an output may be made dirty by the flush of another") {
  HandLoop loop;
  Output second;
  Output first([&] { loop.mark_dirty(second); });
  loop.mark_dirty(first);
  loop.end_turn();
  CHECK(first.flushes == 1);
  CHECK(second.flushes == 1);
}

TEST_CASE("each end of a turn counts one turn") {
  HandLoop loop;
  const uint64_t turn = loop.turn();
  loop.end_turn();
  loop.end_turn();
  CHECK(loop.turn() == turn + 2);
}

TEST_CASE("a loop that ends destroys what was retired, without flushing") {
  std::string notes;
  Output output;
  {
    HandLoop loop;
    loop.retire(std::make_unique<Ending>(notes, "a"));
    loop.mark_dirty(output);
  }
  CHECK(notes == "a ");
  CHECK(output.flushes == 0);
  CHECK_FALSE(output.linked());
}

TEST_CASE("a deadline counts from the time of the turn, and the loop learns when it is due") {
  struct Waiter {
    void on_deadline() { fired = true; }
    bool fired = false;
    Deadline deadline{this, DeadlineThunk<&Waiter::on_deadline>::call};
  };
  HandLoop loop;
  Waiter waiter;
  loop.advance_to(5000);
  loop.arm(waiter.deadline, 250);
  CHECK(loop.armed_ms >= 5250);
  CHECK(loop.armed_ms <= 5258);
  loop.advance_to(5249);
  CHECK_FALSE(waiter.fired);
  loop.advance_to(loop.armed_ms);
  CHECK(waiter.fired);
}

}  // namespace
}  // namespace onehop::net
