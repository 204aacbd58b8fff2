// SPDX-License-Identifier: MIT
// Shortage: what the workers of a process do together when there is no room for clients. A worker
// closes its own that wait; here it asks the others, and here the log learns of it, once for all,
// as it does of clients that were given up because memory ran short.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>

#include "onehop/net/error.h"
#include "onehop/telemetry/telemetry.h"

namespace onehop::server {

// Called by any worker, on its thread.
class Shortage {
 public:
  // Lines about the same shortage are no closer together.
  static constexpr uint64_t kLogEveryMs = 10'000;

  struct Limits {
    uint64_t connections;  // of clients, that the process may have
    uint64_t buffered;     // bytes, server.limits.buffered
  };
  // `ask` asks every other worker to close some of its clients that wait.
  Shortage(const telemetry::Telemetry& telemetry, std::function<void(size_t asking)> ask);

  // For what the log says; before the workers start, and when they change.
  void use(Limits limits);

  // Every place for clients of a worker is taken: one that waited was closed for a new client, or
  // the new client waits.
  enum class Came : uint8_t { in, to_wait };
  void limit_reached(uint64_t now_ms, Came came);

  // Says what has not been said yet, of clients given up for memory too; now and then, from any
  // thread.
  void say_rest(uint64_t now_ms);

  // The same without regard to the time, once nothing more will come.
  void finish() { say_rest(UINT64_MAX - kLogEveryMs); }

  // Descriptors ran out: what the worker itself closed. Where that was nothing the others are
  // asked.
  struct Made {
    size_t upstream_closed = 0;
    size_t clients_closed = 0;
  };
  void descriptors_ran_out(uint64_t now_ms, size_t worker, net::NetError error, Made made);

 private:
  static constexpr uint64_t kAskEveryMs = 20;

  // Since the last line.
  struct Untold {
    uint64_t again_ms = 0;
    uint64_t closed = 0;
    uint64_t waited = 0;
    uint64_t upstream_closed = 0;
    bool nothing() const { return closed + waited + upstream_closed == 0; }
  };

  void say_limit(uint64_t now_ms);
  void say_descriptors(uint64_t now_ms);
  void say_memory(uint64_t now_ms);

  const telemetry::Telemetry& telemetry_;
  std::function<void(size_t)> ask_;
  std::mutex mutex_;  // guards what follows
  Limits limits_{};
  Untold limit_untold_;
  Untold descriptors_untold_;
  uint64_t given_up_said_ = 0;
  uint64_t memory_again_ms_ = 0;
  net::NetError error_;
  uint64_t ask_again_ms_ = 0;
};

}  // namespace onehop::server
