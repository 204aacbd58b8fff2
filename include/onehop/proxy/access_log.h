// SPDX-License-Identifier: MIT
// The worker's side of the access log: which exchanges are written down, and where they are handed
// over. Nothing here waits, formats or makes a system call; a thread of the server room does.
#pragma once

#include <cstdint>

#include "onehop/base/bell.h"
#include "onehop/base/ring.h"
#include "onehop/config/config.h"
#include "onehop/proxy/exchange_record.h"
#include "onehop/telemetry/shard.h"

namespace onehop::proxy {

// Which exchanges have a line. Of a snapshot, and never changed.
class AccessTerms {
 public:
  // `access` is enabled.
  explicit AccessTerms(const config::AccessLog& access);

  // `drawn` is one of AccessLog::kAll numbers, by chance.
  bool takes(int status, uint64_t total_ns, uint32_t drawn) const {
    return (classes_ >> telemetry::status_class(status) & 1u) != 0 || total_ns > slower_than_ns_ ||
           drawn < sample_;
  }
  bool with_query() const { return with_query_; }

 private:
  unsigned classes_ = 0;  // a bit for each class of statuses
  uint64_t slower_than_ns_ = UINT64_MAX;
  uint32_t sample_;
  bool with_query_;
};

// Where the records of one worker go. Used by its thread; everything referred to outlives it.
class AccessSink {
 public:
  AccessSink(Ring& ring, Bell& bell, telemetry::DownstreamShard& counters, uint64_t seed)
      : ring_(ring), bell_(bell), counters_(counters), random_(seed) {}

  // Below AccessLog::kAll.
  uint32_t draw() noexcept;

  // Hands it over, or counts it as dropped.
  void put(const ExchangeRecord& record);

 private:
  // Then whoever takes them is woken; before, it comes by itself.
  static constexpr size_t kWakeAtBytes = 128 * 1024;

  Ring& ring_;
  Bell& bell_;
  telemetry::DownstreamShard& counters_;
  uint64_t random_;
};

}  // namespace onehop::proxy
