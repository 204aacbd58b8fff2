// SPDX-License-Identifier: MIT
// The app servers of `onehop demo`: small replicas in one thread, on the same HTTP code as the
// proxy, each on a port of its own. They differ only in how long they take.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "onehop/base/result.h"
#include "onehop/http/connection.h"
#include "onehop/net/event_loop.h"

namespace onehop::cli {

// How long a replica takes for an answer. What waits at all waits for the next tick of the
// deadlines (8 ms) after the time given here.
enum class Pace : uint8_t {
  prompt,  // answers at once, but for one request in kPauseEvery
  slow,    // every answer takes kSlowMinMs to kSlowMaxMs
};
constexpr uint64_t kPauseEvery = 50;
constexpr uint64_t kPauseMs = 1;
constexpr uint64_t kSlowMinMs = 12;
constexpr uint64_t kSlowMaxMs = 24;

class Replica;

// Made and destroyed by one thread, served by another one that it starts and joins. Destroying it
// gives up what is in flight.
class DemoReplicas final : private http::ServerConnections::Events {
 public:
  // One replica for each pace, listening on 127.0.0.1. The error is a sentence.
  static Result<std::unique_ptr<DemoReplicas>, std::string> start(std::span<const Pace> paces);
  ~DemoReplicas();

  std::vector<std::string> addresses() const;

 private:
  DemoReplicas();
  void run();
  void on_all_closed() override {}

  net::EventLoop loop_;
  config::Limits limits_;
  config::DownstreamTimeouts timeouts_;
  config::Http2 http2_;
  telemetry::DownstreamShard counters_;  // nobody looks at them: the demo shows the proxy's
  http::ServerSettings settings_{limits_, timeouts_, http2_, counters_};
  http::ServerConnections connections_;
  std::vector<std::unique_ptr<Replica>> replicas_;
  std::thread thread_;
};

}  // namespace onehop::cli
