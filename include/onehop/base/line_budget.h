// SPDX-License-Identifier: MIT
// LineBudget: how much the log says of something that happens again and again. Nine lines in any
// second; what comes on top is counted, and a tenth line says how many that were.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace onehop::log {

class LineBudget {
 public:
  static constexpr size_t kLines = 9;
  static constexpr uint64_t kPeriodMs = 1000;

  // It happened: whether to say so. `now_ms` never goes back.
  bool take(uint64_t now_ms) noexcept;

  // What the tenth line has to say, when it is time for it; else a count of 0. To be asked before
  // each take(), and now and then, so that the end of a burst is said too.
  struct LeftOut {
    uint64_t count = 0;
    uint64_t during_ms = 0;
  };
  LeftOut left_out(uint64_t now_ms) noexcept;
  // The same without waiting for that time: nothing is going to be said any more.
  LeftOut rest(uint64_t now_ms) noexcept;
  // Nothing was said for a period and nothing is to be said: it is as a new one.
  bool is_over(uint64_t now_ms) const noexcept;

 private:
  std::array<uint64_t, kLines> said_ms_{};  // when the last lines were said, as a ring; 0: never
  size_t oldest_ = 0;
  uint64_t left_out_ = 0;
  uint64_t since_ms_ = 0;  // when the first of those was left out
};

}  // namespace onehop::log
