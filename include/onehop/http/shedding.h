// SPDX-License-Identifier: MIT
// Shedding: who may be closed for the sake of others when there is no room for them.
//
// A client that waits is at rest, in one of four ways. Each has a moment in which it is left alone,
// and an order: those who never said anything go first, the longest at rest first.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "onehop/base/intrusive_list.h"
#include "onehop/net/loop.h"

namespace onehop::http {

// In the order in which they are closed.
enum class Rest : uint8_t {
  silent,   // it came, and has sent nothing yet
  parting,  // its last response is out, and it has not closed the connection
  idle,     // it had a response, and may ask again
  begun,    // a part of its first words came
};

// A member of whatever may be closed. Destroying it ends its rest.
class Sheddable : public ListNode<Sheddable> {
 public:
  // Closes it, so that its descriptor is free when this returns. False where it turns out to be
  // busier than it said, and stays. Never called with the object on the stack.
  virtual bool shed() = 0;
  virtual ~Sheddable() = default;

 private:
  friend class Shedding;
  uint64_t since_ms_ = 0;
  uint64_t since_turn_ = 0;
};

class Shedding {
 public:
  explicit Shedding(net::Loop& loop) : loop_(loop) {}

  // It rests like this from now on, or does not any more.
  void rests(Sheddable& one, Rest rest) noexcept;
  static void stirs(Sheddable& one) noexcept { one.unlink(); }

  // Closes up to `most` of them; returns how many. Fewer, also while some are in their moment: ask
  // again a little later.
  size_t shed(size_t most);

 private:
  using Resting = IntrusiveList<Sheddable>;
  Sheddable* next();
  bool spares_idle() noexcept;
  Resting& list(Rest rest) noexcept { return lists_[static_cast<size_t>(rest)]; }

  net::Loop& loop_;
  std::array<Resting, 4> lists_;  // the longest at rest first
  uint64_t turn_ = 0;             // in which idle_closed_ was counted
  size_t idle_closed_ = 0;        // for clients who had yet to be heard
};

}  // namespace onehop::http
