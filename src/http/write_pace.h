// SPDX-License-Identifier: MIT
// WritePace: how long a client is waited for that does not take what is sent to it. It may take
// nothing for `write_stall`, and past that it has to have taken `write_min_rate` on average; time
// in which it has taken all that there was does not count.
#pragma once

#include <algorithm>
#include <cstdint>

#include "onehop/config/config.h"

namespace onehop::http {

class WritePace {
 public:
  struct Rule {
    uint64_t grace_ms = 0;  // 0: for ever
    uint64_t min_rate = 0;  // bytes per second; 0: any byte is progress
  };
  static Rule rule_of(const config::DownstreamTimeouts& timeouts) {
    return {static_cast<uint64_t>(timeouts.write_stall.count()), timeouts.write_min_rate};
  }

  // It begins to be waited for. `taken` is what it has taken so far, of all that it was sent.
  void begin(Rule rule, uint64_t now_ms, uint64_t taken) noexcept {
    due_ms_ = now_ms + rule.grace_ms;
    counted_ = taken;
  }

  // How long it may still be waited for, if it takes nothing more; 0: no longer.
  uint64_t left_ms(Rule rule, uint64_t now_ms, uint64_t taken) noexcept {
    const uint64_t bytes = taken > counted_ ? taken - counted_ : 0;
    const uint64_t latest = now_ms + rule.grace_ms;
    if (rule.min_rate == 0) {
      if (bytes > 0) due_ms_ = latest;
      counted_ += bytes;
    } else if (const uint64_t earned_ms = bytes * 1000 / rule.min_rate; earned_ms > 0) {
      due_ms_ = std::min(due_ms_ + earned_ms, latest);
      counted_ += bytes;  // what earned nothing yet is counted later
    }
    return due_ms_ > now_ms ? due_ms_ - now_ms : 0;
  }

 private:
  uint64_t due_ms_ = 0;
  uint64_t counted_ = 0;  // bytes that were turned into time
};

}  // namespace onehop::http
