// SPDX-License-Identifier: MIT
#include "onehop/upstream/idle_tolerance.h"

#include <algorithm>

namespace onehop::upstream {
namespace {

// Two connections that the same timer of the endpoint closed: timers are coarse.
bool is_alike(uint64_t one_ms, uint64_t other_ms) {
  const uint64_t apart = std::max(one_ms, other_ms) - std::min(one_ms, other_ms);
  return apart <= std::max(other_ms / 4, IdleTolerance::kLeastMs);
}

}  // namespace

void IdleTolerance::closed(const Closing& closing) noexcept {
  if (closing.idle_ms < kLeastMs) return;
  const std::lock_guard lock(mutex_);
  const uint64_t now = closing.now_ms;
  const bool together = learnt_.age_ms != 0 && now <= closed_ms_ + kTogetherMs;
  const bool alike = learnt_.age_ms != 0 && is_alike(closing.idle_ms, learnt_.age_ms);
  if (now <= together_until_ || (together && !alike)) {
    // Of different ages at one moment: it restarts, or was told to close them.
    if (now > together_until_) use(before_);
    together_until_ = now + kTogetherMs;
    return;
  }
  if (!together) before_ = learnt_;
  closed_ms_ = now;
  Learnt learnt = learnt_;
  learnt.age_ms = closing.idle_ms;
  if (!together)
    learnt.patience = alike ? std::min(learnt.patience * 2, kMostPatience) : kLeastPatience;
  const uint64_t margin = std::min(closing.margin_ms, closing.idle_ms / 2);
  if (closing.idle_ms - margin < learnt.limit_ms) {
    learnt.limit_ms = closing.idle_ms - margin;
    learnt.held = 0;
  }
  use(learnt);
}

void IdleTolerance::held(const Held& held) noexcept {
  if (held.limit_ms != limit_ms()) return;
  const std::lock_guard lock(mutex_);
  // Those that began to rest together say it once.
  if (learnt_.limit_ms != held.limit_ms || held.now_ms < counted_ms_ + held.limit_ms) return;
  counted_ms_ = held.now_ms;
  Learnt learnt = learnt_;
  if (++learnt.held >= learnt.patience) {
    learnt.held = 0;
    const bool enough = learnt.limit_ms >= held.configured_ms / 2;
    learnt.limit_ms = enough ? kNone : learnt.limit_ms * 2;
  }
  use(learnt);
}

void IdleTolerance::prove(uint64_t idle_ms) noexcept {
  const std::lock_guard lock(mutex_);
  if (learnt_.limit_ms == kNone || idle_ms <= learnt_.limit_ms) return;
  Learnt learnt = learnt_;
  learnt.limit_ms = idle_ms;
  learnt.held = 0;
  use(learnt);
}

void IdleTolerance::use(const Learnt& learnt) noexcept {
  learnt_ = learnt;
  limit_ms_.store(learnt.limit_ms, std::memory_order_relaxed);
}

IdleTolerance::InUse IdleTolerance::in_use(uint64_t configured_ms) const noexcept {
  InUse found{.ms = configured_ms};
  const uint64_t hint = hint_ms_.load(std::memory_order_relaxed);
  if (hint < found.ms) found = {hint, "keep_alive"};
  if (limit_ms() < found.ms) found = {limit_ms(), "observed"};
  return found;
}

}  // namespace onehop::upstream
