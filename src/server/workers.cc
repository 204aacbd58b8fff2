// SPDX-License-Identifier: MIT
#include "workers.h"

#include <utility>

namespace onehop::server {

class Workers::Everybody : public std::enable_shared_from_this<Everybody> {
 public:
  Everybody(net::EventLoop& loop, std::function<void()> done)
      : loop_(loop), done_(std::move(done)) {}

  // On the main thread, for each; then once for the one that asks them.
  void expect() { ++missing_; }
  void seen() {
    if (--missing_ == 0) done_();
  }
  // From any thread.
  void report() {
    loop_.post([self = shared_from_this()] { self->seen(); });
  }

 private:
  net::EventLoop& loop_;
  std::function<void()> done_;
  size_t missing_ = 1;
};

Workers::Workers(net::EventLoop& loop, telemetry::Telemetry& telemetry, proxy::FailureLog& failures,
                 LogWriter& access_log, upstream::HealthAlarm& alarm,
                 std::function<void()> on_all_done)
    : loop_(loop),
      on_all_done_(std::move(on_all_done)),
      shortage_(telemetry, [this](size_t asking) {
        for (size_t i = 0; i < workers_.size(); ++i) {
          if (i != asking && !workers_[i]->done()) workers_[i]->make_room_for_others();
        }
      }) {
  const size_t count = telemetry.worker_count();
  for (size_t i = 0; i < count; ++i) {
    workers_.push_back(std::make_unique<Worker>(
        Worker::Parts{.shard = telemetry.shard(i),
                      .index = i,
                      .count = count,
                      .shortage = shortage_,
                      .failures = failures,
                      .access = access_log.sink(i),
                      .alarm = alarm,
                      .on_done = [this] { loop_.post([this] { worker_done(); }); }}));
  }
}

Workers::~Workers() = default;

void Workers::worker_done() {
  if (--running_ == 0) on_all_done_();
}

void Workers::start(const std::shared_ptr<const Change>& change, std::vector<NewSockets> sockets) {
  started_ = true;
  running_ = workers_.size();
  for (size_t i = 0; i < workers_.size(); ++i) workers_[i]->start(change, std::move(sockets[i]));
}

void Workers::apply(const std::shared_ptr<const Change>& change, std::vector<NewSockets> sockets,
                    std::function<void()> done) {
  const auto everybody = std::make_shared<Everybody>(loop_, std::move(done));
  for (size_t i = 0; i < workers_.size(); ++i) {
    if (workers_[i]->done()) continue;
    everybody->expect();
    workers_[i]->apply(change, std::move(sockets[i]), [everybody] { everybody->report(); });
  }
  everybody->report();
}

// A client may hold a response that its worker has not counted yet, because the turn in which it
// was sent goes on. So every worker is asked for a sign, which it gives in its next turn.
void Workers::when_counted(std::function<void()> done) {
  const auto everybody = std::make_shared<Everybody>(loop_, std::move(done));
  for (auto& worker : workers_) {
    if (worker->done()) continue;
    everybody->expect();
    worker->post([everybody] { everybody->report(); });
  }
  everybody->report();
}

void Workers::duplicate_sockets(std::function<void(Worker::Duplicates)> done) {
  // Main puts them together, so there is no lock; a task is copied, and they cannot be.
  const auto all = std::make_shared<Worker::Duplicates>();
  const auto everybody =
      std::make_shared<Everybody>(loop_, [all, done = std::move(done)] { done(std::move(*all)); });
  for (auto& worker : workers_) {
    if (worker->done()) continue;
    everybody->expect();
    worker->duplicate_sockets([this, all, everybody](Worker::Duplicates made) {
      const auto own = std::make_shared<Worker::Duplicates>(std::move(made));
      loop_.post([all, own] {
        for (auto& one : *own) all->push_back(std::move(one));
      });
      everybody->report();
    });
  }
  everybody->report();
}

void Workers::renew(const http::ListenerTerms::Key& listener,
                    const std::shared_ptr<const tls::ServerContext>& context) {
  for (auto& worker : workers_) worker->use(listener, context);
}

void Workers::renew(const config::Upstream& upstream,
                    const std::shared_ptr<const tls::ClientContext>& context) {
  for (auto& worker : workers_) worker->use(upstream, context);
}

void Workers::use(const config::Upstream& upstream, const upstream::EndpointSet& set) {
  for (auto& worker : workers_) worker->use(upstream, set);
}

void Workers::drain() {
  if (!started_) return on_all_done_();
  for (auto& worker : workers_) worker->drain();
}

// One may still ask the others for room, so none is destroyed before all have ended.
void Workers::join() {
  for (auto& worker : workers_) worker->join();
  workers_.clear();
}

void Workers::stop_now() {
  if (!started_) return on_all_done_();
  for (auto& worker : workers_) worker->stop_now();
}

}  // namespace onehop::server
