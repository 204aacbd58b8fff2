// SPDX-License-Identifier: MIT
// What the kernel says of this process.
#pragma once

#include <cstdint>

namespace onehop::admin {

struct ProcessFacts {
  uint64_t resident_bytes = 0;
  uint64_t virtual_bytes = 0;
  uint64_t open_fds = 0;
  uint64_t max_fds = 0;
  double cpu_seconds = 0;  // user and system
};

// Reads /proc/self and two system calls; what cannot be read is 0. Takes time in proportion to the
// open descriptors.
ProcessFacts read_process_facts();

}  // namespace onehop::admin
