// SPDX-License-Identifier: MIT
// How many processors this process may use.
#pragma once

#include <cstddef>

namespace onehop::server {

// Those it may be scheduled on, and no more than its control group's quota of processor time is
// worth (cgroup v2, cpu.max, rounded up). At least 1.
size_t available_cpus();

}  // namespace onehop::server
