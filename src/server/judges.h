// SPDX-License-Identifier: MIT
// Judges: who of each upstream's endpoints gets requests. Between what is known of their addresses
// (EndpointGroup) and the workers: sets go through here, and those whose requests or health checks
// fail come out of it as `out`. What is known of an endpoint outlives a reload, as its id does. It
// owns who makes the health checks.
//
// Of the main thread, but for on_failures() and on_checked().
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "onehop/net/event_loop.h"
#include "onehop/telemetry/telemetry.h"
#include "onehop/upstream/judge.h"
#include "prober.h"

namespace onehop::server {

class Judges final : public upstream::HealthAlarm,
                     private upstream::Judge::Events,
                     private Prober::Events {
 public:
  class Events {
   public:
    // An upstream in use has another set. From the loop, or from on_second().
    virtual void on_judged(const config::Upstream& upstream, const upstream::EndpointSet& set) = 0;

   protected:
    ~Events() = default;
  };

  // All outlive it; the loop runs no task any more when it is destroyed.
  Judges(net::EventLoop& loop, const telemetry::Telemetry& telemetry, Events& events);
  ~Judges();

  // The set as the workers are to have it. From now on `upstream` is what holds.
  upstream::EndpointSet judge(const config::Upstream& upstream, const upstream::EndpointSet& found);

  // The same for all upstreams of a configuration, in its order, which is that of `contexts`, too:
  // what their endpoints are checked with, null without TLS. The others are forgotten.
  using ClientContexts = std::vector<std::shared_ptr<const tls::ClientContext>>;
  std::vector<upstream::EndpointSet> use(const config::Config& config,
                                         const std::vector<upstream::EndpointSet>& found,
                                         const ClientContexts& contexts);

  // Certificates of an upstream were renewed.
  void renew(const config::Upstream& upstream, std::shared_ptr<const tls::ClientContext> context);

  // Endpoints are checked no more.
  void stop() { prober_.stop(); }

  // Once a second: compares endpoints by what was counted.
  void on_second();

  // Null where there is none of that name.
  const upstream::Judge* find(const std::string& upstream) const;

  // From any thread.
  void on_failures(const std::string& upstream, upstream::EndpointId endpoint) override;

 private:
  struct Entry {
    config::Upstream config;
    upstream::EndpointSet found;
    std::shared_ptr<const tls::ClientContext> context;  // null without TLS
    std::unique_ptr<upstream::Judge> judge;
  };
  void on_checked(const std::string& upstream, upstream::EndpointId endpoint,
                  upstream::Judge::Checked how, const std::string& why) override;
  void on_verdict(upstream::Judge& judge) override;
  upstream::HealthSample sample(const upstream::EndpointSpec& spec) const;

  net::EventLoop& loop_;
  Events& events_;
  std::vector<size_t> faults_;  // the outcomes that are an endpoint's
  size_t ok_;
  std::map<std::string, Entry> entries_;
  std::vector<upstream::HealthSample> samples_;
  Prober prober_;
};

}  // namespace onehop::server
