// SPDX-License-Identifier: MIT
#include "prober.h"

#include <map>
#include <thread>
#include <utility>

namespace onehop::server {

// All but the thread and the loop is of the prober's thread.
struct Prober::Running final : private upstream::Checks::Events {
  explicit Running(Prober::Events& told) : events(told) {
    thread = std::thread([this] {
      loop.run();
      all.clear();
      loop.end_turn();
    });
  }
  ~Running() {
    loop.stop();
    thread.join();
  }

  upstream::Checks& of(const std::string& upstream) {
    auto& checks = all[upstream];
    upstream::Checks::Events& own = *this;
    if (checks == nullptr)
      checks = std::make_unique<upstream::Checks>(
          upstream::Checks::Parts{loop, loop, counters, own, upstream, loop.now_ns()});
    return *checks;
  }

  void on_checked(const std::string& upstream, upstream::EndpointId endpoint,
                  upstream::Judge::Checked how, const std::string& why) override {
    events.on_checked(upstream, endpoint, how, why);
  }

  Prober::Events& events;
  net::EventLoop loop;
  telemetry::EndpointShard counters;
  std::map<std::string, std::unique_ptr<upstream::Checks>> all;  // by upstream
  std::thread thread;
};

Prober::Prober(Events& events) : events_(events) {}

Prober::~Prober() {
  stop();
}

void Prober::use(const config::Upstream& upstream,
                 std::shared_ptr<const tls::ClientContext> context, upstream::EndpointSet set) {
  if (!upstream.health.enabled) return forget(upstream.name);
  if (stopped_) return;
  if (running_ == nullptr) running_ = std::make_unique<Running>(events_);
  Running& running = *running_;
  running.loop.post([&running, upstream, context = std::move(context), set = std::move(set)] {
    running.of(upstream.name).use(upstream, context, set);
  });
}

void Prober::use(const std::string& upstream, std::shared_ptr<const tls::ClientContext> context) {
  if (running_ == nullptr) return;
  Running& running = *running_;
  running.loop.post([&running, upstream, context = std::move(context)] {
    const auto found = running.all.find(upstream);
    if (found != running.all.end()) found->second->use(context);
  });
}

void Prober::forget(const std::string& upstream) {
  if (running_ == nullptr) return;
  Running& running = *running_;
  running.loop.post([&running, upstream] { running.all.erase(upstream); });
}

void Prober::stop() {
  stopped_ = true;
  running_.reset();
}

}  // namespace onehop::server
