// SPDX-License-Identifier: MIT
// StalledClients: the connections of a worker whose clients do not take what waits for them, or
// whose requests take memory while they wait; the one that moved something longest ago first. While
// the buffers of the process hold more than they may, such clients are given up, one in each turn:
// the idlest of those that hold 64 KiB or more; where there is none, the largest of those that have
// been idle for two seconds or of those that have not, whichever hold more together.
#pragma once

#include <cstddef>
#include <cstdint>

#include "onehop/base/intrusive_list.h"
#include "onehop/config/config.h"
#include "onehop/net/loop.h"
#include "onehop/telemetry/counter.h"

namespace onehop::http {

class StalledClient : public ListNode<StalledClient> {
 public:
  virtual size_t held_bytes() const noexcept = 0;
  // Bytes that it has acknowledged. May cost a system call: asked only when memory is short.
  virtual uint64_t taken_bytes() const noexcept = 0;
  // Gives up what its client does not take.
  virtual void give_up() = 0;
  virtual ~StalledClient() = default;

 private:
  friend class StalledClients;
  uint64_t since_ms_ = 0;
  uint64_t taken_ = 0;  // by then, where that was asked
};

class StalledClients final : private net::Dirty {
 public:
  // All outlive it. `limits.buffered` is read whenever it counts; `given_up` counts.
  StalledClients(net::Loop& loop, const config::Limits& limits, telemetry::Counter& given_up)
      : loop_(loop), limits_(limits), given_up_(given_up) {}

  // It has taken something, or has just begun to take nothing.
  void stalls(StalledClient& client) noexcept;
  // It waits on, and more may be held for it.
  void holds(StalledClient& client) noexcept;
  void goes_on(StalledClient& client) noexcept { client.unlink(); }

 private:
  static constexpr uint64_t kIdleMs = 2000;
  static constexpr size_t kMuch = 64 * 1024;

  void flush() override;
  StalledClient* next() noexcept;
  void note_progress() noexcept;

  net::Loop& loop_;
  const config::Limits& limits_;
  telemetry::Counter& given_up_;
  IntrusiveList<StalledClient> list_;
  bool relieving_ = false;  // until an eighth below the limit
};

}  // namespace onehop::http
