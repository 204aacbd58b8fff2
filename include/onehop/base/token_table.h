// SPDX-License-Identifier: MIT
// TokenTable: a bucket of tokens for each of many keys, for all threads at once: a KeyTable whose
// numbers are times. A bucket is the generic cell rate algorithm (GCRA): the one time at which it
// would be full again. Taking a token moves that time on by what one token takes to come back, and
// is refused where it would be further away than a whole bucket takes.
//
// Exact: in any stretch of time no more than `burst` and what came back in it is granted, however
// many threads ask, for as long as the key is remembered. The clock counts in parts of a token's
// time (1,024 at least), so that a rate that divides no second is as exact as any other. Times wrap
// around: refresh() keeps those that are long over from coming to life again.
#pragma once

#include <cstddef>
#include <cstdint>

#include "onehop/base/key_table.h"

namespace onehop {

class TokenTable {
 public:
  static constexpr uint64_t kMostTokens = 1'000'000;  // of a rate, and of a burst

  // `tokens` (1 to kMostTokens) come back in `per_ns` (a second at least, a week at most).
  TokenTable(uint64_t bytes, uint64_t tokens, uint64_t per_ns);

  struct Taken {
    bool granted = false;
    bool forgot = false;   // another key's bucket, which was not full
    uint64_t left = 0;     // whole tokens in the bucket now
    uint64_t wait_ns = 0;  // until there is one; 0 where there is
    uint64_t full_ns = 0;  // until all are there
  };
  // A token of a bucket of `burst` (1 to kMostTokens), at `now_ns` of a monotonic clock that all
  // threads share; theirs may be a little apart. A refusal changes nothing.
  Taken take(uint64_t hash, uint64_t burst, uint64_t now_ns) noexcept;

  // The token that was taken was of no use. Nothing where the key was forgotten since.
  void give_back(uint64_t hash, uint64_t now_ns) noexcept;

  // Now and then, every hour at least: times that are over stay so.
  void refresh(uint64_t now_ns) noexcept;

  size_t room() const noexcept { return table_.room(); }
  size_t live(uint64_t now_ns) const noexcept;  // keys whose bucket is not full

 private:
  uint64_t units(uint64_t ns) const noexcept;
  uint64_t ns_of(uint64_t units) const noexcept;  // rounded up
  // How far `value` is ahead of `now`; 0 where it is over.
  static uint64_t ahead(uint64_t value, uint64_t now) noexcept {
    const uint64_t distance = (value - now) & KeyTable::kValueMask;
    return distance <= KeyTable::kValueMask / 2 ? distance : 0;
  }

  KeyTable table_;
  uint64_t per_ns_;
  uint64_t parts_;          // of the clock, that a token takes
  uint64_t parts_per_per_;  // that `per_ns` has
};

}  // namespace onehop
