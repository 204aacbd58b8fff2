// SPDX-License-Identifier: MIT
// One run: simulated clients and origins around the real proxy path, put together as a worker puts
// it together, with the invariants looked at after every turn.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "world.h"

namespace onehop::test {

struct Report {
  std::string violation;  // "" when nothing was wrong
  std::string notes;      // what happened last
  uint64_t asked = 0;
  uint64_t answered = 0;               // whole, by the origin
  uint64_t answered_here = 0;          // whole, by the proxy
  uint64_t stalled = 0;                // exchanges that ended as client_stalled
  uint64_t given_up = 0;               // dials that nobody waited for any more
  uint64_t changes = 0;                // of endpoints, and of the configuration
  uint64_t drained_out = 0;            // exchanges that ended as endpoint_drain_timeout
  uint64_t departed = 0;               // requests that endpoints had which were gone at the end
  std::vector<uint64_t> took_ns = {};  // whole answers
  size_t most_unsent = 0;              // bytes in one transport's output
};

Report run_scenario(uint64_t seed, const Weather& weather);

}  // namespace onehop::test
