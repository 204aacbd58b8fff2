// SPDX-License-Identifier: MIT
#include "slow_start.h"

namespace onehop::upstream {

void SlowStart::update(std::span<Candidate> candidates, uint64_t now_ms) {
  std::erase_if(warming_, [&](const Warming& one) {
    const uint32_t share = warm_share(now_ms - one.since_ms, length_ms_);
    candidates[one.candidate].weight = one.weight * share;
    return share == kWarm;
  });
}

}  // namespace onehop::upstream
