// SPDX-License-Identifier: MIT
// Deadlines: a hashed timing wheel. Arming, moving and disarming are a few pointer writes, so every
// request can move its deadlines without a system call; one timer of the event loop drives them
// all.
//
//   1,024 slots of 8 ms, one turn of the wheel is 8.2 s; what is due later stays in its slot for
//   more turns.
//
// A deadline never fires early and at most one slot (8 ms) plus the loop's own delay late.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "onehop/base/intrusive_list.h"

namespace onehop::net {

class Deadlines;

// A member of whatever waits. Destroying it disarms it.
//
//   Deadline deadline_{this, DeadlineThunk<&Exchange::on_deadline>::call};
class Deadline : public ListNode<Deadline> {
 public:
  using Callback = void (*)(void* owner);
  Deadline(void* owner, Callback callback) : owner_(owner), callback_(callback) {}

  bool armed() const noexcept { return linked(); }
  void disarm() noexcept { unlink(); }

 private:
  friend class Deadlines;
  void* owner_;
  Callback callback_;
  uint64_t due_tick_ = 0;
};

// Makes a Deadline's callback of a member function: the one place that casts.
template <auto member>
struct DeadlineThunk;
template <class T, void (T::*member)()>
struct DeadlineThunk<member> {
  static void call(void* owner) { (static_cast<T*>(owner)->*member)(); }
};

class Deadlines {
 public:
  // (Re)arms: fires once, when the time given to advance reaches `due_ms`. Returns when advance
  // should be called for it.
  uint64_t arm(Deadline& deadline, uint64_t due_ms) noexcept;

  // Moves the time on and fires what is due. `now_ms` never goes back. Callbacks may arm, disarm
  // and destroy any deadline.
  void advance(uint64_t now_ms);

  // When advance should be called next; nothing when no deadline is armed. May be early (a slot
  // holds later turns too), never late. Looks at up to 1,024 slots: meant to be asked after an
  // advance, not after each arm.
  std::optional<uint64_t> next_due_ms() const noexcept;

 private:
  static constexpr uint64_t kTickMs = 8;
  static constexpr size_t kSlots = 1024;

  std::array<IntrusiveList<Deadline>, kSlots> slots_;
  uint64_t done_tick_ = 0;  // every slot up to here has been looked at
};

}  // namespace onehop::net
