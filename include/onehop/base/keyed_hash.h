// SPDX-License-Identifier: MIT
// SipHash-2-4 (Aumasson and Bernstein, 2012): a hash with a secret key. Who does not know the key
// cannot find two texts that fall together, so it is for tables whose keys peers choose.
#pragma once

#include <cstdint>
#include <string_view>

namespace onehop {

struct HashSecret {
  uint64_t first = 0;
  uint64_t second = 0;

  // One that nobody can guess.
  static HashSecret random();
};

uint64_t keyed_hash(const HashSecret& key, std::string_view text) noexcept;

}  // namespace onehop
