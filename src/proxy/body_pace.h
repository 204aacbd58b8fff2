// SPDX-License-Identifier: MIT
// BodyPace: until when a request body has to go on. A body whose length is known must average a
// rate past its grace. One that ends when it ends may pause: a pause does not count against the
// rate, and has a limit of its own; a drip is no pause. A conversation (gRPC) has that limit alone.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "onehop/proxy/outcome.h"

namespace onehop::proxy {

enum class BodyKind : uint8_t { counted, open, conversation };

class BodyPace {
 public:
  struct Limits {
    uint64_t grace_ms = 0;  // 0: no rate is asked for
    uint64_t rate = 1;      // bytes per second, not 0
    uint64_t idle_ms = 0;   // of a body without a length; 0: it may pause for ever
  };
  // Who sends nothing for longer than that pauses. Sending twice a second costs onehop less than
  // an idle connection does.
  static constexpr uint64_t kPauseMs = 500;
  // Fewer bytes between two pauses are a drip: no line of text and no message is as short.
  static constexpr uint64_t kPieceBytes = 16;

  void begin(BodyKind kind, const Limits& limits, uint64_t now_ms) noexcept {
    kind_ = kind;
    limits_ = limits;
    last_ms_ = now_ms;
    due_ms_ = now_ms + limits.grace_ms;
    uncounted_bytes_ = 0;
    piece_bytes_ = kPieceBytes;
    late_ = false;
  }

  void came(uint64_t bytes, uint64_t now_ms) noexcept {
    if (kind_ == BodyKind::open && pauses(now_ms)) {
      due_ms_ += now_ms - last_ms_;
      piece_bytes_ = 0;
    }
    last_ms_ = now_ms;
    piece_bytes_ += bytes;
    uncounted_bytes_ += bytes;
    if (const uint64_t earned_ms = uncounted_bytes_ * 1000 / limits_.rate; earned_ms > 0) {
      uncounted_bytes_ = 0;
      due_ms_ = std::min(due_ms_ + earned_ms, now_ms + limits_.grace_ms);
    }
    late_ = kind_ == BodyKind::open && held_to_rate() && now_ms >= due_ms_;
  }

  // When to look again, in milliseconds from now; 0: never, as nothing limits the body.
  uint64_t wait_ms(uint64_t now_ms) const noexcept {
    uint64_t at = UINT64_MAX;
    if (late_) return 1;
    // Until then a pause is not known from a drip.
    const uint64_t known_ms = may_pause() ? last_ms_ + kPauseMs + 1 : 0;
    if (held_to_rate() && !pauses(now_ms)) at = std::max(due_ms_, known_ms);
    if (may_pause() && limits_.idle_ms > 0) at = std::min(at, last_ms_ + limits_.idle_ms);
    if (at == UINT64_MAX) return 0;
    return at > now_ms ? at - now_ms : 1;
  }

  // Ok while the body is in time.
  Outcome verdict(uint64_t now_ms) const noexcept {
    if (may_pause() && limits_.idle_ms > 0 && now_ms - last_ms_ >= limits_.idle_ms)
      return Outcome::request_body_idle_timeout;
    const bool silent = now_ms - last_ms_ > kPauseMs;
    const bool late = held_to_rate() && now_ms >= due_ms_ && (!may_pause() || silent);
    return late_ || (late && !pauses(now_ms)) ? Outcome::request_body_timeout : Outcome::ok;
  }

 private:
  bool may_pause() const noexcept { return kind_ != BodyKind::counted; }
  bool held_to_rate() const noexcept {
    return kind_ != BodyKind::conversation && limits_.grace_ms > 0;
  }
  bool pauses(uint64_t now_ms) const noexcept {
    return may_pause() && now_ms - last_ms_ > kPauseMs && piece_bytes_ >= kPieceBytes;
  }

  BodyKind kind_ = BodyKind::counted;
  Limits limits_;
  uint64_t last_ms_ = 0;          // when something came
  uint64_t due_ms_ = 0;           // when the rate is missed
  uint64_t uncounted_bytes_ = 0;  // not turned into time yet
  uint64_t piece_bytes_ = 0;      // since the last pause
  bool late_ = false;             // something came, and after its time
};

}  // namespace onehop::proxy
