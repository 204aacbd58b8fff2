// SPDX-License-Identifier: MIT
#include "endpoint_group.h"

#include <algorithm>
#include <ctime>
#include <utility>

namespace onehop::server {
namespace {

// An address, and "localhost", which is 127.0.0.1 as it is for listeners; nothing for a name.
std::optional<Address> address_of(const std::string& text) {
  const auto given = parse_host_port(text);
  if (!given.has_value()) return std::nullopt;
  return Address::numeric(given->host == "localhost" ? "127.0.0.1" : given->host, given->port);
}

std::string host_of(const std::string& text) {
  const auto given = parse_host_port(text);
  return given.has_value() ? given->host : std::string();
}

}  // namespace

EndpointGroup::EndpointGroup(EndpointSets& sets, std::shared_ptr<net::NameService> names,
                             const config::Config& config, const config::Upstream& upstream,
                             const EndpointGroup* before)
    : sets_(sets), names_(std::move(names)), upstream_(upstream), dns_(config.server.dns) {
  if (before != nullptr) {
    known_ = before->known_;
    origins_ = before->origins_;
  }
  std::vector<upstream::Source> sources;
  for (const config::Endpoint& endpoint : upstream_.endpoints) {
    Entry entry{&endpoint, address_of(endpoint.address), sources.size()};
    if (!entry.address.has_value()) {
      auto source = upstream::Source::parse(endpoint.address, endpoint.weight);
      if (!source.has_value()) continue;  // config::check() refuses it
      sources.push_back(std::move(*source));
    }
    entries_.push_back(entry);
  }
  if (!sources.empty()) {
    const auto ms = [](config::milliseconds time) { return static_cast<uint64_t>(time.count()); };
    discovery_ = std::make_unique<upstream::Discovery>(
        upstream::Discovery::Parts{.loop = sets.loop_,
                                   .names = *names_,
                                   .events = *this,
                                   .upstream = upstream_.name,
                                   .pace = {ms(dns_.min_ttl), ms(dns_.max_ttl)}},
        sources);
    look_for_refusals();
  }
  build();
}

bool EndpointGroup::describes(const config::Config& config,
                              const config::Upstream& upstream) const {
  return upstream_.name == upstream.name && upstream_.endpoints == upstream.endpoints &&
         upstream_.tls == upstream.tls && upstream_.protocol == upstream.protocol &&
         dns_ == config.server.dns;
}

EndpointSets::Lookups EndpointGroup::lookups() const {
  EndpointSets::Lookups sum;
  for (size_t i = 0; discovery_ != nullptr && i < discovery_->size(); ++i) {
    sum.ended += discovery_->counts(i).lookups;
    sum.failed += discovery_->counts(i).failed;
  }
  return sum;
}

void EndpointGroup::on_change(size_t source, std::span<const upstream::Discovered> list) {
  for (const Entry& entry : entries_) {
    if (entry.address.has_value() || entry.source != source || list.empty()) continue;
    known_[entry.given->address].assign(list.begin(), list.end());
  }
  build();
  sets_.changed(*this);
}

const std::vector<upstream::Discovered>& EndpointGroup::known(const Entry& entry) const {
  static const std::vector<upstream::Discovered> nothing;
  const auto found = known_.find(entry.given->address);
  return found != known_.end() ? found->second : nothing;
}

void EndpointGroup::build() {
  std::vector<EndpointSets::Origin> before = std::exchange(origins_, {});
  making_.clear();
  named_.clear();
  for (const Entry& entry : entries_) {
    if (entry.address.has_value()) {
      add(entry, {*entry.address, entry.given->weight, 0}, entry.given->address);
      continue;
    }
    for (const upstream::Discovered& found : known(entry))
      add(entry, found, found.address.to_string());
  }
  for (EndpointSets::Origin& origin : origins_) {
    const auto was = std::ranges::find(before, origin.address, &EndpointSets::Origin::address);
    if (was != before.end()) origin.since_unix_s = was->since_unix_s;
  }
  set_ = std::make_shared<const std::vector<upstream::SpecRef>>(std::exchange(making_, {}));
}

// Two names may have one address: the first that has it counts.
void EndpointGroup::add(const Entry& entry, const upstream::Discovered& found, std::string name) {
  const auto taken = [&](const upstream::SpecRef& spec) {
    return spec->address.to_string() == found.address.to_string();
  };
  if (std::ranges::any_of(making_, taken)) return;
  making_.push_back(sets_.book_.spec({.upstream = upstream_.name,
                                      .identity = upstream::identity_of(upstream_),
                                      .tls = upstream_.tls.enabled,
                                      .name = name,
                                      .host = host_of(entry.given->address),
                                      .address = found.address,
                                      .weight = found.weight}));
  if (!entry.address.has_value()) named_.emplace_back(making_.back(), entry.source);
  origins_.push_back({std::move(name), entry.address.has_value() ? "file" : entry.given->address,
                      std::time(nullptr), found.weight});
}

void EndpointGroup::look_for_refusals() {
  for (const auto& [spec, source] : named_) {
    if (spec->shared->reachability.take_refused()) discovery_->refused(source);
  }
  sets_.loop_.arm(refusals_, kRefusalsMs);
}

}  // namespace onehop::server
