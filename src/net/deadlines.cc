// SPDX-License-Identifier: MIT
#include "onehop/net/deadlines.h"

#include <algorithm>

namespace onehop::net {

uint64_t Deadlines::arm(Deadline& deadline, uint64_t due_ms) noexcept {
  // Rounded up, and at least the next tick: the present one has been looked at.
  const uint64_t tick = std::max((due_ms + kTickMs - 1) / kTickMs, done_tick_ + 1);
  deadline.due_tick_ = tick;
  slots_[tick % kSlots].push_back(deadline);
  return tick * kTickMs;
}

void Deadlines::advance(uint64_t now_ms) {
  const uint64_t target = now_ms / kTickMs;
  if (target <= done_tick_) return;
  // A gap of more than one turn visits every slot once.
  const uint64_t first = std::max(done_tick_ + 1, target >= kSlots ? target - kSlots + 1 : 0);
  IntrusiveList<Deadline> due;
  for (uint64_t tick = first; tick <= target; ++tick) {
    slots_[tick % kSlots].for_each([&](Deadline& deadline) {
      if (deadline.due_tick_ <= target) due.push_back(deadline);
    });
  }
  done_tick_ = target;
  // One by one, because a callback may disarm or destroy those that are still waiting in `due`.
  while (Deadline* deadline = due.pop_front()) deadline->callback_(deadline->owner_);
}

std::optional<uint64_t> Deadlines::next_due_ms() const noexcept {
  for (uint64_t tick = done_tick_ + 1; tick <= done_tick_ + kSlots; ++tick) {
    if (!slots_[tick % kSlots].empty()) return tick * kTickMs;
  }
  return std::nullopt;
}

}  // namespace onehop::net
