// SPDX-License-Identifier: MIT
// The gentle load of `onehop demo`: a few keep-alive clients in one thread, each of which sends a
// GET every kPeriodMs through the proxy's real socket, or as soon as the last answer is there when
// that took longer.
#pragma once

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "onehop/base/address.h"
#include "onehop/config/config.h"
#include "onehop/net/event_loop.h"
#include "onehop/telemetry/shard.h"

namespace onehop::cli {

class LoadClient;

// Made and destroyed by one thread, run by another one that it starts and joins.
class DemoLoad {
 public:
  static constexpr uint64_t kClients = 8;
  static constexpr uint64_t kPeriodMs = 27;
  static constexpr uint64_t kRequestsPerSecond = kClients * 1000 / kPeriodMs;

  // Begins at once.
  explicit DemoLoad(const Address& proxy);
  ~DemoLoad();

  // Requests that were answered with anything but a 200, or not at all. From any thread.
  uint64_t failed() const { return failed_.load(std::memory_order_relaxed); }

 private:
  friend class LoadClient;
  void run();

  Address proxy_;
  std::string authority_;
  config::Limits limits_;
  telemetry::EndpointShard counters_;  // nobody looks at them: the demo shows the proxy's
  std::atomic<uint64_t> failed_{0};
  net::EventLoop loop_;
  std::vector<std::unique_ptr<LoadClient>> clients_;  // live on the thread alone
  std::thread thread_;
};

}  // namespace onehop::cli
