// SPDX-License-Identifier: MIT
#include "endpoint_sets.h"

#include <algorithm>
#include <utility>

#include "endpoint_group.h"

namespace onehop::server {

EndpointSets::EndpointSets(net::Loop& loop, telemetry::Telemetry& telemetry, Events& events,
                           net::FileWatcher& files)
    : loop_(loop), book_(telemetry), events_(events), files_(files) {}

EndpointSets::~EndpointSets() = default;

bool EndpointSets::Staged::complete() const {
  return std::ranges::all_of(groups_, [](const auto& group) { return group->complete(); });
}

std::vector<upstream::EndpointSet> EndpointSets::Staged::sets() const {
  std::vector<upstream::EndpointSet> sets;
  for (const auto& group : groups_) sets.push_back(group->set());
  return sets;
}

EndpointSets::Staged EndpointSets::stage(const config::Config& config,
                                         const std::shared_ptr<net::NameService>& names) {
  Staged staged;
  for (const config::Upstream& upstream : config.upstreams) {
    const EndpointGroup* const before = find(upstream.name);
    if (before != nullptr && before->describes(config, upstream)) {
      staged.groups_.push_back(
          *std::ranges::find(in_use_, before, &std::shared_ptr<EndpointGroup>::get));
    } else {
      staged.groups_.push_back(
          std::make_shared<EndpointGroup>(*this, names, config, upstream, before));
    }
  }
  return staged;
}

void EndpointSets::catch_up(Staged& staged) const {
  for (const auto& group : staged.groups_) {
    const EndpointGroup* const before = find(group->name());
    if (before != nullptr && before != group.get()) group->catch_up(*before);
  }
}

void EndpointSets::use(Staged staged) {
  in_use_ = std::move(staged.groups_);
}

void EndpointSets::changed(EndpointGroup& group) {
  const auto is_it = [&](const auto& one) { return one.get() == &group; };
  if (std::ranges::any_of(in_use_, is_it)) events_.on_endpoints(group.config(), group.set());
  events_.on_names();
}

EndpointGroup* EndpointSets::find(const std::string& upstream) const {
  const auto found =
      std::ranges::find_if(in_use_, [&](const auto& group) { return group->name() == upstream; });
  return found != in_use_.end() ? found->get() : nullptr;
}

Result<void, std::string> EndpointSets::obey(const Order& order) {
  EndpointGroup* const group = find(order.upstream);
  if (group == nullptr) return Unexpected<std::string>("there is no upstream " + order.upstream);
  if (auto obeyed = group->obey(order); !obeyed.has_value()) return obeyed;
  changed(*group);
  return {};
}

upstream::SpecRef EndpointSets::endpoint(const std::string& upstream,
                                         const std::string& address) const {
  const EndpointGroup* const group = find(upstream);
  return group != nullptr ? group->endpoint(address) : nullptr;
}

std::vector<EndpointSets::Origin> EndpointSets::origins(const std::string& upstream) const {
  const EndpointGroup* const group = find(upstream);
  return group != nullptr ? group->origins() : std::vector<Origin>();
}

EndpointSets::Lookups EndpointSets::lookups(const std::string& upstream) const {
  const EndpointGroup* const group = find(upstream);
  return group != nullptr ? group->lookups() : Lookups();
}

std::optional<EndpointSets::File> EndpointSets::file(const std::string& upstream) const {
  const EndpointGroup* const group = find(upstream);
  return group != nullptr ? group->file() : std::nullopt;
}

}  // namespace onehop::server
