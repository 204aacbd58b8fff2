// SPDX-License-Identifier: MIT
// Workers: all of them, as the main thread deals with them.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "change.h"
#include "log_writer.h"
#include "onehop/net/event_loop.h"
#include "onehop/proxy/failure_log.h"
#include "shortage.h"
#include "worker.h"

namespace onehop::server {

// Used by the main thread, whose loop it has. Everything referred to outlives it.
class Workers {
 public:
  // `on_all_done` is called on the main thread, when none of them has anything to do any more.
  Workers(net::EventLoop& loop, telemetry::Telemetry& telemetry, proxy::FailureLog& failures,
          LogWriter& access_log, upstream::HealthAlarm& alarm, std::function<void()> on_all_done);
  ~Workers();

  size_t count() const noexcept { return workers_.size(); }
  Shortage& shortage() noexcept { return shortage_; }

  // `sockets` has one entry for each worker.
  void start(const std::shared_ptr<const Change>& change, std::vector<NewSockets> sockets);

  // `done` is called on the main thread once the change is in force in every worker that is not
  // done.
  void apply(const std::shared_ptr<const Change>& change, std::vector<NewSockets> sockets,
             std::function<void()> done);

  // Certificates were read again.
  void renew(const http::ListenerTerms::Key& listener,
             const std::shared_ptr<const tls::ServerContext>& context);
  void renew(const config::Upstream& upstream,
             const std::shared_ptr<const tls::ClientContext>& context);

  // The endpoints of an upstream are these from now on.
  void use(const config::Upstream& upstream, const upstream::EndpointSet& set);

  // `done` is called on the main thread when what is counted holds everything that clients had seen
  // at the time of the call.
  void when_counted(std::function<void()> done);

  // The listening sockets of all of them, for another process; `done` is called on the main thread.
  void duplicate_sockets(std::function<void(Worker::Duplicates)> done);

  void drain();
  void stop_now();

  // Waits for their threads, and for those whose loops go on ends them.
  void join();

 private:
  // Calls back on the main thread once each of so many has reported.
  class Everybody;
  void worker_done();

  net::EventLoop& loop_;
  std::function<void()> on_all_done_;
  size_t running_ = 0;
  bool started_ = false;
  Shortage shortage_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace onehop::server
