// SPDX-License-Identifier: MIT
#include "drain_waits.h"

#include <utility>

#include "onehop/telemetry/snapshot.h"

namespace onehop::server {

void DrainWaits::wait(const std::string& upstream, const std::string& address, uint64_t patience_ms,
                      Told told) {
  settled_([this, wait = Wait{endpoints_.endpoint(upstream, address), loop_.now_ms() + patience_ms,
                              std::move(told)}] {
    waits_.push_back(wait);
    look();
  });
}

void DrainWaits::look() {
  std::vector<Wait> waiting;
  for (Wait& one : std::exchange(waits_, {})) {
    const int64_t in_flight = one.endpoint != nullptr
                                  ? telemetry::merge_metrics(*one.endpoint->shared->cells).in_flight
                                  : 0;
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
