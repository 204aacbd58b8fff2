// SPDX-License-Identifier: MIT
// MemoryReturn: gives memory that buffers have freed back to the system. The allocator keeps free
// pages for itself, so a burst that is over would hold its memory for ever.
#pragma once

#include <cstdint>

namespace onehop {

class MemoryReturn {
 public:
  // Called now and then with what the buffers hold (buffered_memory()), by one thread. Returns
  // memory when they hold kWorthwhile less than they have since the last time; true when it did.
  // That takes about a millisecond for each 100 MiB, in which others may wait for the allocator.
  bool look_at(uint64_t held_bytes) noexcept;

 private:
  static constexpr uint64_t kWorthwhile = 8 * 1024 * 1024;
  uint64_t most_ = 0;  // since the last return
};

}  // namespace onehop
