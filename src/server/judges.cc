// SPDX-License-Identifier: MIT
#include "judges.h"

#include <algorithm>
#include <utility>

#include "onehop/proxy/outcome.h"

namespace onehop::server {

Judges::Judges(net::EventLoop& loop, const telemetry::Telemetry& telemetry, Events& events)
    : loop_(loop),
      events_(events),
      ok_(static_cast<size_t>(proxy::Outcome::ok)),
      prober_(static_cast<Prober::Events&>(*this)) {
  for (size_t i = 0; i < telemetry.outcomes().size(); ++i) {
    const auto outcome = static_cast<proxy::Outcome>(i);
    // Of a pooled connection that had been closed, and of a dial that goes on, it is not.
    const bool excused =
        outcome == proxy::Outcome::upstream_closed_idle || outcome == proxy::Outcome::connect_slow;
    if (proxy::row_of(outcome).side == proxy::Side::upstream && !excused) faults_.push_back(i);
  }
}

Judges::~Judges() = default;

upstream::EndpointSet Judges::judge(const config::Upstream& upstream,
                                    const upstream::EndpointSet& found) {
  Entry& entry = entries_[upstream.name];
  entry.config = upstream;
  entry.found = found;
  if (entry.judge == nullptr) {
    upstream::Judge::Events& events = *this;
    entry.judge = std::make_unique<upstream::Judge>(
        upstream::Judge::Parts{loop_, events, upstream.name, loop_.now_ns()});
  }
  entry.judge->use(upstream, found);
  prober_.use(upstream, entry.context, found);
  return entry.judge->set();
}

std::vector<upstream::EndpointSet> Judges::use(const config::Config& config,
                                               const std::vector<upstream::EndpointSet>& found,
                                               const ClientContexts& contexts) {
  const std::vector<config::Upstream>& upstreams = config.upstreams;
  std::vector<upstream::EndpointSet> sets;
  for (size_t i = 0; i < upstreams.size(); ++i) {
    entries_[upstreams[i].name].context = contexts[i];
    sets.push_back(judge(upstreams[i], found[i]));
  }
  std::erase_if(entries_, [&](const auto& entry) {
    const bool stays =
        std::ranges::find(upstreams, entry.first, &config::Upstream::name) != upstreams.end();
    if (!stays) prober_.forget(entry.first);
    return !stays;
  });
  return sets;
}

void Judges::renew(const config::Upstream& upstream,
                   std::shared_ptr<const tls::ClientContext> context) {
  const auto found = entries_.find(upstream.name);
  if (found == entries_.end()) return;
  found->second.context = context;
  prober_.use(upstream.name, std::move(context));
}

void Judges::on_checked(const std::string& upstream, upstream::EndpointId endpoint,
                        upstream::Judge::Checked how, const std::string& why) {
  loop_.post([this, upstream, endpoint, how, why] {
    const auto found = entries_.find(upstream);
    if (found != entries_.end()) found->second.judge->checked(endpoint, how, why);
  });
}

void Judges::on_verdict(upstream::Judge& judge) {
  const auto found = std::ranges::find_if(
      entries_, [&](const auto& entry) { return entry.second.judge.get() == &judge; });
  events_.on_judged(found->second.config, judge.set());
}

void Judges::on_failures(const std::string& upstream, upstream::EndpointId endpoint) {
  loop_.post([this, upstream, endpoint] {
    const auto found = entries_.find(upstream);
    if (found != entries_.end()) found->second.judge->on_failures(endpoint);
  });
}

void Judges::on_second() {
  for (auto& [name, entry] : entries_) {
    if (!entry.judge->compares()) continue;
    samples_.clear();
    for (const upstream::SpecRef& spec : *entry.found) samples_.push_back(sample(*spec));
    entry.judge->judge_second(samples_);
  }
}

upstream::HealthSample Judges::sample(const upstream::EndpointSpec& spec) const {
  constexpr size_t kServerErrors = telemetry::status_class(500);
  constexpr auto kWait = static_cast<size_t>(telemetry::Phase::response_wait);
  upstream::HealthSample sum;
  spec.shared->cells->by_worker.for_each([&](const telemetry::EndpointShard& shard) {
    uint64_t faults = 0;
    for (const size_t fault : faults_) faults += shard.outcomes.value(fault);
    sum.requests += shard.outcomes.value(ok_) + faults;
    sum.failures += faults + shard.requests.value(kServerErrors);
    sum.wait_ns += shard.exchange[kWait].sum_ns();
  });
  return sum;
}

const upstream::Judge* Judges::find(const std::string& upstream) const {
  const auto found = entries_.find(upstream);
  return found != entries_.end() ? found->second.judge.get() : nullptr;
}

}  // namespace onehop::server
