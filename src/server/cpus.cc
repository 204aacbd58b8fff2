// SPDX-License-Identifier: MIT
#include "cpus.h"

#include <sched.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <thread>

#include "onehop/base/ascii.h"

namespace onehop::server {
namespace {

// The quota of the group at the root of what we see, which in a container is the container's.
size_t quota_cpus() {
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  std::string quota;
  size_t period = 0;
  if (!(file >> quota >> period) || period == 0) return SIZE_MAX;
  const auto time = parse_decimal(quota);
  return time.has_value() ? (*time + period - 1) / period : SIZE_MAX;  // else it says "max"
}

}  // namespace

size_t available_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  // Fails on machines that may have more processors than the set has room for.
  const bool known = sched_getaffinity(0, sizeof set, &set) == 0;
  const size_t scheduled =
      known ? static_cast<size_t>(CPU_COUNT(&set)) : std::thread::hardware_concurrency();
  return std::max<size_t>(1, std::min(scheduled, quota_cpus()));
}

}  // namespace onehop::server
