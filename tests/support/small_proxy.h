// SPDX-License-Identifier: MIT
// The proxy of one worker, made of a configuration, on whatever loop and dialer a test has: what
// the server makes of a configuration, without sockets and threads. Endpoints are addresses.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "onehop/proxy/outcome.h"
#include "onehop/proxy/proxy.h"
#include "onehop/upstream/judge.h"
#include "onehop/upstream/upstreams.h"

namespace onehop::test {

class SmallProxy final : private upstream::HealthAlarm, private upstream::Judge::Events {
 public:
  SmallProxy(config::Config config, net::Loop& loop, net::Dialer& dialer, uint64_t seed = 1,
             proxy::FailureLog* failures = nullptr, proxy::AccessSink* access = nullptr)
      : loop_(loop),
        known_({loop, dialer, pools, 0, 1, *this}),
        proxy({.loop = loop,
               .shard = telemetry.shard(0),
               .seed = seed,
               .failures = failures,
               .access = access}) {
    apply(std::move(config));
  }
  ~SmallProxy() { finish(); }

  // As a worker does at its end.
  void finish() {
    upstreams.clear();
    proxy.finish();
    loop_.end_turn();
  }

  // As a reload does.
  void apply(config::Config config) {
    const auto now = std::make_shared<const config::Config>(std::move(config));
    const auto snapshot = std::make_shared<const proxy::Snapshot>(++number_, now);
    settings.limits = now->server.limits;
    settings.timeouts = now->server.timeouts;
    settings.http2 = now->server.http2;
    std::vector<upstream::Upstreams::Wanted> wanted;
    for (const config::Upstream& upstream : now->upstreams)
      wanted.push_back({{upstream, now->server.limits, nullptr, now->server.zone},
                        judged(upstream, set_of(upstream, upstream.endpoints, {}))});
    upstreams = known_.take(wanted);
    first_name_ = now->upstreams.front().name;
    std::vector<telemetry::RouteShard*> routes;
    for (const std::string& label : snapshot->route_labels())
      routes.push_back(&telemetry.route(label).by_worker.of(0));
    snapshot_ = snapshot;
    proxy.use(std::make_unique<proxy::Epoch>(
        proxy::Epoch::Parts{.loop = loop_,
                            .snapshot = snapshot,
                            .upstreams = upstreams,
                            .routes = std::move(routes),
                            .no_route = telemetry.route({}).by_worker.of(0)}));
  }

  // What discovery and commands do: the first upstream has these from now on.
  void use(const std::vector<config::Endpoint>& endpoints,
           const std::vector<std::string>& drained = {}) {
    const config::Upstream& upstream = proxy.snapshot().config().upstreams.front();
    upstreams.front()->use(judged(upstream, set_of(upstream, endpoints, drained)));
  }

  // Its endpoints are of a name that has addresses of both families.
  void use_alternatives() {
    for (const auto& endpoint : upstreams.front()->endpoints())
      endpoint->reachability().use_alternative(true);
  }

  // What requests are decided by from now on.
  std::shared_ptr<const proxy::Snapshot> snapshot() const { return snapshot_; }

  upstream::Judge& judge(const std::string& upstream) { return *judges_.at(upstream); }

  telemetry::DownstreamShard& downstream() { return telemetry.shard(0).downstream; }
  telemetry::EndpointShard& endpoint(const std::string& address) {
    return cells(address)->by_worker.of(0);
  }

 private:
  telemetry::EndpointRef cells(const std::string& address) {
    return telemetry.endpoint({first_name_, address, false});
  }
  upstream::EndpointSet set_of(const config::Upstream& upstream,
                               const std::vector<config::Endpoint>& endpoints,
                               const std::vector<std::string>& drained) {
    auto set = std::make_shared<std::vector<upstream::SpecRef>>();
    for (const config::Endpoint& endpoint : endpoints) {
      const auto parsed = parse_host_port(endpoint.address);
      set->push_back(book.spec({.upstream = upstream.name,
                                .identity = upstream::identity_of(upstream),
                                .tls = false,
                                .name = endpoint.address,
                                .host = parsed->host,
                                .address = *Address::numeric(parsed->host, parsed->port),
                                .weight = endpoint.weight,
                                .drained = std::ranges::count(drained, endpoint.address) > 0,
                                .zone = endpoint.zone}));
    }
    return set;
  }
  upstream::EndpointSet judged(const config::Upstream& upstream,
                               const upstream::EndpointSet& found) {
    auto& judge = judges_[upstream.name];
    upstream::Judge::Events& events = *this;
    if (judge == nullptr)
      judge = std::make_unique<upstream::Judge>(
          upstream::Judge::Parts{loop_, events, upstream.name, number_});
    judge->use(upstream, found);
    return judge->set();
  }
  // As over the thread of the server: not in the middle of what a worker does.
  void on_failures(const std::string& upstream, upstream::EndpointId endpoint) override {
    alarms_.emplace_back(upstream, endpoint);
    if (!alarm_.armed()) loop_.arm(alarm_, 0);
  }
  void on_alarm() {
    for (const auto& [upstream, endpoint] : std::exchange(alarms_, {}))
      judge(upstream).on_failures(endpoint);
  }
  void on_verdict(upstream::Judge& judge) override {
    for (const auto& upstream : upstreams) {
      if (judges_.at(upstream->name()).get() == &judge) upstream->use(judge.set());
    }
  }

  net::Loop& loop_;
  std::map<std::string, std::unique_ptr<upstream::Judge>> judges_;
  std::vector<std::pair<std::string, upstream::EndpointId>> alarms_;
  net::Deadline alarm_{this, net::DeadlineThunk<&SmallProxy::on_alarm>::call};
  uint64_t number_ = 0;
  std::string first_name_;  // the first
  std::shared_ptr<const proxy::Snapshot> snapshot_;

 public:
  telemetry::Telemetry telemetry{proxy::outcome_names(), 1};
  upstream::EndpointBook book{telemetry};
  upstream::Pools pools;
  std::vector<std::shared_ptr<upstream::Upstream>> upstreams;  // of the latest configuration

 private:
  upstream::Upstreams known_;

 public:
  proxy::Proxy proxy;
  http::ServerSettings settings{{}, {}, {}, telemetry.shard(0).downstream};
};

// A configuration with one upstream, "app", to which everything goes.
inline config::Config config_of(config::Upstream upstream, config::Server server = {}) {
  config::Config config;
  config.server = std::move(server);
  config::Route route;
  route.upstream = upstream.name;
  config.routes.push_back(route);
  config.upstreams.push_back(std::move(upstream));
  return config;
}

}  // namespace onehop::test
