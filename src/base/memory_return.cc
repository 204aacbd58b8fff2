// SPDX-License-Identifier: MIT
#include "onehop/base/memory_return.h"

#include <malloc.h>

#include <algorithm>

namespace onehop {

bool MemoryReturn::look_at(uint64_t held_bytes) noexcept {
  most_ = std::max(most_, held_bytes);
  if (most_ - held_bytes < kWorthwhile) return false;
  most_ = held_bytes;
  malloc_trim(0);
  return true;
}

}  // namespace onehop
