// SPDX-License-Identifier: MIT
#include "endpoint_group.h"

#include <algorithm>
#include <ctime>
#include <utility>

namespace onehop::server {
namespace {

// An address, "localhost", which is 127.0.0.1 as it is for listeners, or a path ("unix:/path");
// nothing for a name.
std::optional<Address> address_of(const std::string& text) {
  if (const auto path = Address::of_unix(text)) return path;
  const auto given = parse_host_port(text);
  if (!given.has_value()) return std::nullopt;
  return Address::numeric(given->host == "localhost" ? "127.0.0.1" : given->host, given->port);
}

// The name by which TLS knows it: of a service that of its domain (RFC 6125 6.4.1).
std::string host_of(const std::string& text) {
  const auto source = upstream::Source::parse(text, 1);
  if (!source.has_value()) return {};
  std::string name = source->name;
  while (source->kind == upstream::Source::Kind::services && name.starts_with('_')) {
    const size_t dot = name.find('.');
    if (dot == std::string::npos) break;
    name.erase(0, dot + 1);
  }
  return name;
}

// Backups are behind every priority.
uint16_t rank_of(const config::Endpoint& endpoint) {
  constexpr uint32_t kBackups = 16;
  return static_cast<uint16_t>(endpoint.backup ? kBackups + endpoint.priority : endpoint.priority);
}

bool has_both_families(const std::vector<upstream::Discovered>& all) {
  const auto is_v6 = [](const upstream::Discovered& one) { return one.address.is_v6(); };
  return std::ranges::any_of(all, is_v6) && !std::ranges::all_of(all, is_v6);
}

}  // namespace

EndpointGroup::EndpointGroup(EndpointSets& sets, std::shared_ptr<net::NameService> names,
                             const config::Config& config, const config::Upstream& upstream,
                             const EndpointGroup* before)
    : sets_(sets),
      names_(std::move(names)),
      upstream_(upstream),
      identity_(upstream::identity_of(upstream)),
      dns_(config.server.dns) {
  if (!upstream_.endpoints_file.empty()) {
    EndpointFile::Events& listener = *this;
    file_ =
        std::make_unique<EndpointFile>(sets.files_, upstream_.endpoints_file, upstream_.name,
                                       listener, before != nullptr ? before->file_.get() : nullptr);
  }
  if (before != nullptr) {
    known_ = before->known_;
    origins_ = before->origins_;
    before_ = before->lookups();
  }
  read_entries();
  if (before != nullptr) keep_by_hand(before->by_hand_, before->given());
  build();
}

// Look-ups go on where the names are the same ones.
void EndpointGroup::read_entries() {
  entries_.clear();
  std::vector<config::Endpoint> named;
  std::vector<upstream::Source> sources;
  const auto add = [&](const config::Endpoint& endpoint, From from) {
    Entry entry{endpoint, from, address_of(endpoint.address), sources.size()};
    if (!entry.address.has_value()) {
      auto source = upstream::Source::parse(endpoint.address, endpoint.weight);
      if (!source.has_value()) return;  // config::check() refuses it
      sources.push_back(std::move(*source));
      named.push_back(endpoint);
    }
    entries_.push_back(std::move(entry));
  };
  for (const config::Endpoint& endpoint : upstream_.endpoints) add(endpoint, From::configuration);
  if (file_ != nullptr) {
    for (const config::Endpoint& endpoint : file_->endpoints()) add(endpoint, From::file);
  }
  std::erase_if(known_, [&](const auto& known) {
    return std::ranges::find(named, known.first, &config::Endpoint::address) == named.end();
  });
  if (named == sources_) return;
  before_ = lookups();
  sources_ = std::move(named);
  discovery_.reset();
  if (sources.empty()) return;
  const auto ms = [](config::milliseconds time) { return static_cast<uint64_t>(time.count()); };
  discovery_ = std::make_unique<upstream::Discovery>(
      upstream::Discovery::Parts{.loop = sets_.loop_,
                                 .names = *names_,
                                 .events = *this,
                                 .upstream = upstream_.name,
                                 .pace = {ms(dns_.min_ttl), ms(dns_.max_ttl)}},
      sources);
  if (!refusals_.armed()) look_for_refusals();
}

void EndpointGroup::on_list() {
  const Given before = given();
  read_entries();
  keep_by_hand(std::exchange(by_hand_, {}), before);
  build();
  sets_.changed(*this);
}

std::optional<EndpointSets::File> EndpointGroup::file() const {
  if (file_ == nullptr) return std::nullopt;
  return EndpointSets::File{.path = file_->path(),
                            .reads = file_->counts().reads,
                            .failed = file_->counts().failed,
                            .since_unix_s = file_->since_unix_s(),
                            .fault = file_->fault()};
}

bool EndpointGroup::describes(const config::Config& config,
                              const config::Upstream& upstream) const {
  return upstream_.name == upstream.name && upstream_.endpoints == upstream.endpoints &&
         upstream_.endpoints_file == upstream.endpoints_file && upstream_.tls == upstream.tls &&
         upstream_.protocol == upstream.protocol &&
         upstream_.proxy_protocol == upstream.proxy_protocol && dns_ == config.server.dns;
}

EndpointSets::Lookups EndpointGroup::lookups() const {
  EndpointSets::Lookups sum = before_;
  for (size_t i = 0; discovery_ != nullptr && i < discovery_->size(); ++i) {
    sum.ended += discovery_->counts(i).lookups;
    sum.failed += discovery_->counts(i).failed;
  }
  return sum;
}

void EndpointGroup::on_change(size_t source, std::span<const upstream::Discovered> list) {
  for (const Entry& entry : entries_) {
    if (entry.address.has_value() || entry.source != source || list.empty()) continue;
    known_[entry.given.address].assign(list.begin(), list.end());
  }
  build();
  sets_.changed(*this);
}

const std::vector<upstream::Discovered>& EndpointGroup::known(const Entry& entry) const {
  static const std::vector<upstream::Discovered> nothing;
  const auto found = known_.find(entry.given.address);
  return found != known_.end() ? found->second : nothing;
}

void EndpointGroup::build() {
  std::vector<EndpointSets::Origin> before = std::exchange(origins_, {});
  making_.clear();
  named_.clear();
  taken_.clear();
  for (const Entry& entry : entries_) {
    const std::string& given = entry.given.address;
    if (entry.address.has_value())
      add({given, host_of(given), entry.from == From::file ? "file provider" : "file",
           *entry.address, entry.given.weight, std::nullopt, false, rank_of(entry.given),
           entry.given.zone});
    if (entry.address.has_value()) continue;
    const std::vector<upstream::Discovered>& all = known(entry);
    const bool both = has_both_families(all);
    for (const upstream::Discovered& found : all)
      add({found.address.to_string(), host_of(given), given, found.address,
           given.starts_with("srv:") ? found.weight : entry.given.weight, entry.source, both,
           rank_of(entry.given), entry.given.zone});
  }
  for (const ByHand& one : by_hand_) {
    if (one.added)
      add({one.address, host_of(one.address), "api", *address_of(one.address),
           one.weight.value_or(1), std::nullopt});
  }
  std::unordered_map<std::string, int64_t> since;
  for (const EndpointSets::Origin& origin : before) since[origin.address] = origin.since_unix_s;
  for (EndpointSets::Origin& origin : origins_) {
    const auto was = since.find(origin.address);
    if (was != since.end()) origin.since_unix_s = was->second;
  }
  set_ = std::make_shared<const std::vector<upstream::SpecRef>>(std::exchange(making_, {}));
}

// Two names may have one address: the first that has it counts.
void EndpointGroup::add(Candidate candidate) {
  if (!taken_.insert(candidate.address.to_string()).second) return;
  const ByHand* const hand = find_by_hand(candidate.name);
  if (hand != nullptr && hand->removed) return;
  const bool drained = hand != nullptr && hand->drained;
  if (hand != nullptr) candidate.weight = hand->weight.value_or(candidate.weight);
  making_.push_back(sets_.book_.spec({.upstream = upstream_.name,
                                      .identity = identity_,
                                      .tls = upstream_.tls.enabled,
                                      .name = candidate.name,
                                      .host = std::move(candidate.host),
                                      .address = candidate.address,
                                      .weight = candidate.weight,
                                      .drained = drained,
                                      .rank = candidate.rank,
                                      .zone = std::move(candidate.zone)}));
  making_.back()->shared->reachability.use_alternative(candidate.both_families);
  if (candidate.looked_up.has_value()) named_.emplace_back(making_.back(), *candidate.looked_up);
  origins_.push_back({std::move(candidate.name), std::move(candidate.source), std::time(nullptr),
                      candidate.weight, drained});
}

EndpointGroup::ByHand& EndpointGroup::by_hand(const std::string& address) {
  const auto found = std::ranges::find(by_hand_, address, &ByHand::address);
  if (found != by_hand_.end()) return *found;
  return by_hand_.emplace_back(ByHand{.address = address});
}

const EndpointGroup::ByHand* EndpointGroup::find_by_hand(const std::string& address) const {
  const auto found = std::ranges::find(by_hand_, address, &ByHand::address);
  return found != by_hand_.end() ? &*found : nullptr;
}

bool EndpointGroup::has(const std::string& address) const {
  return std::ranges::find(origins_, address, &EndpointSets::Origin::address) != origins_.end();
}

// The first that has an address counts, as in build().
EndpointGroup::Given EndpointGroup::given() const {
  Given given;
  for (const Entry& entry : entries_) given.emplace(entry.given.address, entry.given.weight);
  return given;
}

void EndpointGroup::keep_by_hand(const std::vector<ByHand>& those, const Given& before) {
  const Given now = given();
  const auto weight_in = [](const Given& given, const std::string& address) {
    const auto found = given.find(address);
    return found != given.end() ? found->second : 0;
  };
  for (const ByHand& one : those) {
    if (weight_in(before, one.address) == weight_in(now, one.address)) by_hand_.push_back(one);
  }
}

void EndpointGroup::catch_up(const EndpointGroup& before) {
  if (by_hand_.empty() && before.by_hand_.empty()) return;
  by_hand_.clear();
  keep_by_hand(before.by_hand_, before.given());
  build();
}

Result<void, std::string> EndpointGroup::obey(const EndpointSets::Order& order) {
  using Hand = EndpointSets::Hand;
  const bool there = has(order.address);
  if (order.hand == Hand::add) {
    const auto address = address_of(order.address);
    if (!address.has_value())
      return Unexpected<std::string>(
          "an address is needed, \"IP:PORT\", \"[IP6]:PORT\" or \"unix:/path\", \"" +
          order.address + "\" was given");
    const config::UpstreamTls& tls = upstream_.tls;
    const bool verified = tls.enabled && !tls.insecure_skip_verify;
    if (address->is_unix() && verified && tls.server_name.empty())
      return Unexpected<std::string>("upstream " + upstream_.name +
                                     " has no tls.server_name, and a unix socket has no name that "
                                     "a certificate could be for");
    if (there) return Unexpected<std::string>(order.address + " is there already");
    const ByHand* const before = find_by_hand(order.address);
    const bool removed = before != nullptr && before->removed;
    if (!removed && taken_.contains(address->to_string()))
      return Unexpected<std::string>(order.address + " is there already, by another name");
  } else if (!there) {
    return Unexpected<std::string>("upstream " + upstream_.name + " has no endpoint " +
                                   order.address);
  }
  ByHand& hand = by_hand(order.address);
  switch (order.hand) {
    case Hand::add:
      // Of the file or of a name it is as it was, else it is new.
      hand = {.address = order.address, .added = !hand.removed, .weight = order.weight};
      break;
    case Hand::remove:
      hand = {.address = order.address, .removed = !hand.added};
      break;
    case Hand::drain:
      hand.drained = true;
      break;
    case Hand::ready:
      hand.drained = false;
      break;
    case Hand::weigh:
      hand.weight = order.weight;
      break;
  }
  std::erase_if(by_hand_, [](const ByHand& one) { return one.says_nothing(); });
  build();
  return {};
}

upstream::SpecRef EndpointGroup::endpoint(const std::string& address) const {
  const auto found = std::ranges::find_if(
      *set_, [&](const upstream::SpecRef& spec) { return spec->name == address; });
  return found != set_->end() ? *found : nullptr;
}

// They are in the order of the set.
std::vector<EndpointSets::Origin> EndpointGroup::origins() const {
  std::vector<EndpointSets::Origin> origins = origins_;
  for (size_t i = 0; i < origins.size(); ++i) {
    origins[i].shared = (*set_)[i]->shared;
    const uint64_t since_ms = origins[i].shared->warming_since_ms.load(std::memory_order_relaxed);
    if (since_ms != upstream::kNotWarming)
      origins[i].warming_ms = std::max(sets_.loop_.now_ms(), since_ms) - since_ms;
  }
  return origins;
}

void EndpointGroup::look_for_refusals() {
  for (const auto& [spec, source] : named_) {
    if (spec->shared->reachability.take_refused()) discovery_->refused(source);
  }
  sets_.loop_.arm(refusals_, kRefusalsMs);
}

}  // namespace onehop::server
