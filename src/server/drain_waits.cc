// SPDX-License-Identifier: MIT
#include "drain_waits.h"

#include <utility>

namespace onehop::server {

void DrainWaits::wait(const std::string& upstream, const std::string& address, uint64_t patience_ms,
                      Told told) {
  waits_.push_back({upstream, address, loop_.now_ms() + patience_ms, std::move(told)});
  look();
}

void DrainWaits::look() {
  std::vector<Wait> waiting;
  for (Wait& one : std::exchange(waits_, {})) {
    const int64_t in_flight = endpoints_.in_flight(one.upstream, one.address).value_or(0);
    if (in_flight > 0 && loop_.now_ms() < one.until_ms) {
      waiting.push_back(std::move(one));
    } else {
      one.told(in_flight);
    }
  }
  for (Wait& one : waiting) waits_.push_back(std::move(one));
  if (!waits_.empty()) loop_.arm(deadline_, kLookMs);
}

}  // namespace onehop::server
