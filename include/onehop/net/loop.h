// SPDX-License-Identifier: MIT
// Loop: what everything right of `net` needs of an event loop, and nothing of libuv. EventLoop
// drives it in production, the simulation drives it by hand.
//
// The turn. One iteration of the loop is a turn: callbacks run, append to outputs and mark them
// dirty; then end_turn() flushes every dirty output (one write per connection and turn) and
// destroys what was retired. So no callback writes, and nothing is destroyed while it may be on the
// stack.
#pragma once

#include <cstdint>
#include <memory>

#include "onehop/base/intrusive_list.h"
#include "onehop/net/deadlines.h"

namespace onehop::net {

// Something that may be on the call stack when its life ends: handed to Loop::retire, destroyed at
// the end of the turn.
class Retirable {
 public:
  Retirable() = default;
  Retirable(const Retirable&) = delete;
  Retirable& operator=(const Retirable&) = delete;
  virtual ~Retirable() = default;

 private:
  friend class Loop;
  Retirable* next_retired_ = nullptr;
};

// An output with bytes to flush at the end of the turn.
class Dirty : public ListNode<Dirty> {
 public:
  virtual void flush() = 0;

 protected:
  ~Dirty() = default;
};

// Used by one thread. Outlives everything that refers to it.
class Loop {
 public:
  Loop() = default;
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  virtual ~Loop();

  // A fresh stamp of a monotonic clock, in nanoseconds. Costs about 25 ns: read it only where a
  // phase begins or ends.
  virtual uint64_t now_ns() const = 0;

  // The time of this turn, in milliseconds of the same clock: what deadlines count from. Free to
  // read.
  virtual uint64_t now_ms() const = 0;

  // (Re)arms a deadline, `after_ms` from this turn on.
  void arm(Deadline& deadline, uint64_t after_ms) {
    on_armed(deadlines_.arm(deadline, now_ms() + after_ms));
  }

  void retire(std::unique_ptr<Retirable> object) noexcept;
  void mark_dirty(Dirty& output) noexcept {
    if (!output.linked()) dirty_.push_back(output);
  }

  // For whoever has had its share of this turn: `work` is flushed at the end of the next one, after
  // everybody else has been looked at. The loop does not sleep before it.
  void mark_later(Dirty& work) noexcept {
    if (!work.linked()) later_.push_back(work);
  }

  // A step that costs as much as hundreds of others, such as the signature of a handshake: so many
  // may be taken in a turn. False: mark_later() and ask again.
  bool take_costly_step() noexcept { return costly_steps_++ < kCostlyStepsPerTurn; }

  // Ends the turn: flushes and destroys until there is nothing left to do (flushing may retire, and
  // destroying may make dirty). Called by whoever drives the loop, with nothing of it on the stack.
  void end_turn();

  // Flushes what is dirty now, before the turn ends: for bytes that are worth passing on while they
  // are in the cache. Called with nothing but the driver of the loop on the stack.
  void flush_dirty();

  // What was put off waits for the next turn, which should come without a wait.
  bool has_work() const noexcept { return !dirty_.empty(); }

  // Counts turns; tells whether something already happened in this one.
  uint64_t turn() const noexcept { return turn_; }

 protected:
  // Destroys what is retired without flushing; for the end of the loop.
  void destroy_retired() noexcept;

  // A deadline was armed that wants Deadlines::advance at `due_ms`.
  virtual void on_armed(uint64_t due_ms) = 0;

  Deadlines deadlines_;

 private:
  static constexpr unsigned kCostlyStepsPerTurn = 2;

  IntrusiveList<Dirty> dirty_;
  IntrusiveList<Dirty> later_;
  Retirable* retired_ = nullptr;  // in the order of their retirement
  Retirable* last_retired_ = nullptr;
  uint64_t turn_ = 1;
  unsigned costly_steps_ = 0;  // in this turn
};

}  // namespace onehop::net
