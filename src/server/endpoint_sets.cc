// SPDX-License-Identifier: MIT
#include "endpoint_sets.h"

#include <algorithm>
#include <utility>

#include "endpoint_group.h"

namespace onehop::server {

EndpointSets::EndpointSets(net::Loop& loop, telemetry::Telemetry& telemetry, Events& events)
    : loop_(loop), book_(telemetry), events_(events) {}

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
    const auto known = std::ranges::find_if(
        in_use_, [&](const auto& group) { return group->name() == upstream.name; });
    const EndpointGroup* const before = known != in_use_.end() ? known->get() : nullptr;
    if (before != nullptr && before->describes(config, upstream)) {
      staged.groups_.push_back(*known);
    } else {
      staged.groups_.push_back(
          std::make_shared<EndpointGroup>(*this, names, config, upstream, before));
    }
  }
  return staged;
}

void EndpointSets::use(Staged staged) {
  in_use_ = std::move(staged.groups_);
}

void EndpointSets::changed(EndpointGroup& group) {
  const auto is_it = [&](const auto& one) { return one.get() == &group; };
  if (std::ranges::any_of(in_use_, is_it)) events_.on_endpoints(group.name(), group.set());
  events_.on_names();
}

std::vector<EndpointSets::Origin> EndpointSets::origins(const std::string& upstream) const {
  for (const auto& group : in_use_) {
    if (group->name() == upstream) return group->origins();
  }
  return {};
}

EndpointSets::Lookups EndpointSets::lookups(const std::string& upstream) const {
  for (const auto& group : in_use_) {
    if (group->name() == upstream) return group->lookups();
  }
  return {};
}

}  // namespace onehop::server
