// SPDX-License-Identifier: MIT
#include "onehop/proxy/access_log.h"

#include <algorithm>

namespace onehop::proxy {

AccessTerms::AccessTerms(const config::AccessLog& access)
    : sample_(access.sample), with_query_(access.query) {
  for (const std::string& name : access.status) {
    const auto place = std::ranges::find(telemetry::kStatusClassNames, name);
    classes_ |= 1u << (place - telemetry::kStatusClassNames.begin());
  }
  const auto slow = std::chrono::nanoseconds(access.slower_than).count();
  if (slow > 0) slower_than_ns_ = static_cast<uint64_t>(slow);
  if (access.sample != config::AccessLog::kAutomatic) return;
  sample_ = access.status.empty() && slow == 0 ? config::AccessLog::kAll : 0;
}

// SplitMix64.
uint32_t AccessSink::draw() noexcept {
  uint64_t mixed = random_ += 0x9E3779B97F4A7C15u;
  mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9u;
  mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBu;
  return static_cast<uint32_t>(((mixed >> 32) * config::AccessLog::kAll) >> 32);
}

void AccessSink::put(const ExchangeRecord& record) {
  char* const room = ring_.reserve(record.encoded_size());
  if (room == nullptr) return counters_.access_log_dropped.add();
  record.encode(room);
  ring_.publish();
  if (ring_.holds(kWakeAtBytes)) bell_.ring();
}

}  // namespace onehop::proxy
