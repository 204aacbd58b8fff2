// SPDX-License-Identifier: MIT
#include "onehop/upstream/upstream.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "onehop/base/hash.h"
#include "penalties.h"
#include "secure_dialer.h"
#include "slow_start.h"
#include "zones.h"

namespace onehop::upstream {
namespace {

// A worker's part of max_connections: at least one, or the worker could serve nobody.
uint32_t share_of(uint32_t total, size_t worker, size_t worker_count) {
  if (total == 0) return 0;
  const auto count = static_cast<uint32_t>(worker_count);
  const uint32_t share = total / count + (worker < total % count ? 1 : 0);
  return std::max(share, 1u);
}

// The same endpoints in the same order, and only which of them are out is another matter.
bool differs_in_verdicts(const std::vector<SpecRef>& before, const std::vector<SpecRef>& now) {
  return std::ranges::equal(before, now, [](const SpecRef& a, const SpecRef& b) {
    return a == b || (a->id == b->id && a->weight == b->weight && a->drained == b->drained &&
                      a->zone == b->zone);
  });
}

}  // namespace

std::shared_ptr<Upstream> Upstream::make(const Settings& settings, const EndpointSet& set,
                                         const Parts& parts) {
  // What is given out is not what its endpoints keep it by.
  struct Holders {
    explicit Holders(std::shared_ptr<Upstream> made) : upstream(std::move(made)) {}
    ~Holders() { upstream->use(std::make_shared<const std::vector<SpecRef>>()); }
    std::shared_ptr<Upstream> upstream;
  };
  const auto holders =
      std::make_shared<Holders>(std::shared_ptr<Upstream>(new Upstream(settings, parts)));
  holders->upstream->configure(settings, set);
  return {holders, holders->upstream.get()};
}

Upstream::Upstream(const Settings& settings, const Parts& parts)
    : parts_(parts),
      name_(settings.config.name),
      protocol_(settings.config.protocol),
      proxy_protocol_(settings.config.proxy_protocol),
      tls_(settings.tls),
      penalties_(std::make_unique<Penalties>()),
      slow_start_(std::make_unique<SlowStart>()),
      zones_(std::make_unique<Zones>()) {
  balance_by(settings.config);
}

Upstream::~Upstream() = default;

// Those who wait at an endpoint that leaves go to one of the set in this call, with all of these
// settings; those that stay are told last.
void Upstream::configure(const Settings& settings, const EndpointSet& set) {
  settings_.pool = settings.config.pool;
  settings_.timeouts = settings.config.timeouts;
  settings_.http2 = settings.config.http2;
  settings_.limits = settings.limits;
  settings_.max_connections =
      share_of(settings.config.pool.max_connections, parts_.worker, parts_.worker_count);
  alarming_failures_ = settings.config.ejection.consecutive_failures;
  failures_ = FailureKinds(settings.config.ejection.failures);
  removed_.disarm();
  endpoint_drain_ms_ = static_cast<uint64_t>(settings.config.endpoint_drain.count());
  end_warming();
  slow_start_->configure(static_cast<uint64_t>(settings.config.slow_start.count()));
  const bool renewed = std::exchange(tls_, settings.tls) != settings.tls;
  configure_placing(settings);
  use(set);
  warm_up();
  for (auto& endpoint : endpoints_) {
    if (renewed) endpoint->use(tls_);
    endpoint->reconfigured();
  }
}

// What is left to chance differs between workers and processes, as they would all run to the same
// endpoints otherwise.
void Upstream::balance_by(const config::Upstream& config) {
  balancing_ = {config.balance, config.hash_balance_factor,
                mixed(parts_.loop.now_ns() + parts_.worker)};
  balancer_ = make_balancer(balancing_);
  hash_by(config);
}

void Upstream::hash_by(const config::Upstream& config) {
  hash_key_.reset();
  const auto key = config::HashKey::parse(config.hash_by);
  if (balancer_->wants_hash() && key.has_value()) hash_key_ = *key;
}

// How endpoints are chosen. All of it is told of the candidates that there are.
void Upstream::configure_placing(const Settings& settings) {
  const config::Upstream& config = settings.config;
  std::vector<size_t> former(candidates_.size(), kNew);
  if (balancing_.algorithm != config.balance ||
      balancing_.hash_balance_factor != config.hash_balance_factor) {
    balance_by(config);
  } else {
    hash_by(config);
    std::iota(former.begin(), former.end(), size_t{0});
  }
  zones_->configure(settings.zone, config.zone_spill_below);
  sticky_.reset();
  if (config.sticky.enabled) {
    sticky_ = std::make_unique<Sticky>();
    sticky_->configure(config, settings.sticky_secret);
  }
  tell_places(former);
}

// The names are the same in all processes that have the same configuration, whatever the names of
// hosts lead to there.
void Upstream::tell_places(Former former) {
  std::vector<std::string_view> names;
  std::vector<std::string_view> zones;
  std::vector<uint64_t> keys;
  std::vector<uint32_t> weights;
  for (size_t i = 0; i < endpoints_.size(); ++i) {
    const EndpointSpec& spec = *endpoints_[i]->spec_;
    names.push_back(spec.name);
    zones.push_back(spec.zone);
    keys.push_back(hash_of(spec.name));
    weights.push_back(SlowStart::full(spec.weight));
    candidates_[i].elsewhere = false;
  }
  balancer_->rebuild({former, keys, weights});
  zones_->rebuild(zones);
  if (sticky_ != nullptr) sticky_->rebuild(names);
}

void Upstream::use(const EndpointSet& set) {
  if (set_ != nullptr && *set == *set_) return;  // the same specs in the same order
  const bool only_verdicts = set_ != nullptr && differs_in_verdicts(*set_, *set);
  set_ = set;
  if (only_verdicts) return heed_verdicts();
  std::unordered_map<EndpointId, size_t> places;
  for (size_t i = 0; i < endpoints_.size(); ++i) places[endpoints_[i]->id()] = i;
  std::vector<std::unique_ptr<Endpoint>> now;
  std::vector<size_t> former;
  for (const SpecRef& spec : *set) {
    if (spec->drained) continue;
    const auto place = places.find(spec->id);
    if (place == places.end()) {
      former.push_back(kNew);
      now.push_back(std::make_unique<Endpoint>(*this, spec));
    } else {
      former.push_back(place->second);
      now.push_back(std::move(endpoints_[place->second]));
      now.back()->spec_ = spec;
    }
  }
  std::swap(endpoints_, now);
  rebuild(former);
  std::erase(now, nullptr);
  let_leave(std::move(now));
  bound_leaving();
}

void Upstream::rebuild(const std::vector<size_t>& former) {
  candidates_.assign(endpoints_.size(), {});
  for (size_t i = 0; i < endpoints_.size(); ++i) {
    Endpoint& endpoint = *endpoints_[i];
    endpoint.place_ = i;
    candidates_[i].in_flight = endpoint.in_flight_;
    candidates_[i].excluded = endpoint.spec_->out;
  }
  tell_places(former);
  penalties_->rebuild(former);
  // Those that come alone take all there is, whatever their shares are.
  const bool others = std::ranges::any_of(former, [](size_t place) { return place != kNew; });
  const bool slowly = others && slow_start_->enabled();
  for (size_t i = 0; i < endpoints_.size(); ++i) {
    if (former[i] == kNew) endpoints_[i]->enter(slowly ? parts_.loop.now_ms() : kNotWarming);
  }
  end_warming();
  warm_up();
}

// Who is out, and who is back: candidates, connections and load stay as they are.
void Upstream::heed_verdicts() {
  size_t place = 0;
  std::vector<Endpoint*> back;
  const bool others =
      std::ranges::any_of(candidates_, [](const auto& one) { return !one.excluded; });
  for (const SpecRef& spec : *set_) {
    if (spec->drained) continue;
    Endpoint& endpoint = *endpoints_[place];
    const bool was_out = std::exchange(candidates_[place++].excluded, spec->out);
    endpoint.spec_ = spec;
    if (was_out && !spec->out) back.push_back(&endpoint);
  }
  if (back.empty()) return;
  // As those that are new: alone they take all there is.
  for (Endpoint* const endpoint : back)
    endpoint->enter(others && slow_start_->enabled() ? parts_.loop.now_ms() : kNotWarming);
  end_warming();
  warm_up();
}

// Of those whose time is over: another `slow_start` does not slow them again.
void Upstream::end_warming() {
  for (const auto& endpoint : endpoints_) {
    const uint64_t since_ms = endpoint->warming_since_ms_;
    if (since_ms != kNotWarming && slow_start_->is_over(since_ms, parts_.loop.now_ms()))
      endpoint->enter(kNotWarming);
  }
}

void Upstream::warm_up() {
  slow_start_->clear();
  for (const auto& endpoint : endpoints_) {
    const uint32_t weight = endpoint->spec_->weight;
    candidates_[endpoint->place_].weight = SlowStart::full(weight);
    if (endpoint->warming_since_ms_ != kNotWarming)
      slow_start_->add(endpoint->place_, weight, endpoint->warming_since_ms_);
  }
}

// Once the others are in their places: whoever waits here is sent to one of them in this call.
void Upstream::let_leave(std::vector<std::unique_ptr<Endpoint>> leaving) {
  if (leaving.empty()) return;
  kept_ = shared_from_this();
  std::vector<Endpoint*> now_leaving;
  for (auto& endpoint : leaving) {
    endpoint->place_ = kNew;
    now_leaving.push_back(endpoint.get());
    leaving_.push_back(std::move(endpoint));
  }
  for (Endpoint* endpoint : now_leaving) endpoint->leave();
}

// The time of those that are in no set begins. One that is drained, or back, has all it needs.
void Upstream::bound_leaving() {
  if (leaving_.empty()) return;
  std::unordered_set<EndpointId> there;
  for (const SpecRef& spec : *set_) there.insert(spec->id);
  for (const auto& endpoint : leaving_) {
    net::Deadline& drain = endpoint->drain_;
    if (there.contains(endpoint->id())) {
      drain.disarm();
    } else if (!drain.armed()) {
      parts_.loop.arm(drain, endpoint_drain_ms_);
    }
  }
}

void Upstream::removed() {
  if (!removed_.armed()) parts_.loop.arm(removed_, endpoint_drain_ms_);
}

// Whoever has it still finds no endpoint any more.
void Upstream::on_removed_for_long() {
  const std::shared_ptr<Upstream> self = shared_from_this();
  use(std::make_shared<const std::vector<SpecRef>>());
  for (const auto& endpoint : leaving_) endpoint->cut();
}

void Upstream::has_left(Endpoint& endpoint) {
  const auto place = std::ranges::find(leaving_, &endpoint, &std::unique_ptr<Endpoint>::get);
  parts_.loop.retire(std::move(*place));
  leaving_.erase(place);
  if (!leaving_.empty()) return;
  // The endpoint refers to it, and is destroyed before what is retired after it.
  struct Last final : net::Retirable {
    explicit Last(std::shared_ptr<Upstream> last) : upstream(std::move(last)) {}
    std::shared_ptr<Upstream> upstream;
  };
  parts_.loop.retire(std::make_unique<Last>(std::move(kept_)));
}

void Upstream::use(std::shared_ptr<const tls::ClientContext> context) {
  tls_ = std::move(context);
  for (auto& endpoint : endpoints_) endpoint->use(tls_);
  for (auto& endpoint : leaving_) endpoint->use(tls_);
}

Endpoint* Upstream::find(EndpointId id) const {
  const auto found =
      std::ranges::find_if(endpoints_, [&](const auto& endpoint) { return endpoint->id() == id; });
  return found != endpoints_.end() ? found->get() : nullptr;
}

Endpoint* Upstream::named_by(std::string_view cookie) const {
  const auto place = sticky_ != nullptr ? sticky_->find(cookie) : std::nullopt;
  const bool there = place.has_value() && !endpoints_[*place]->spec_->out;
  return there ? endpoints_[*place].get() : nullptr;
}

std::string_view Upstream::name_of(const Endpoint& endpoint) const {
  const bool there = sticky_ != nullptr && endpoint.place_ != kNew;
  return there ? sticky_->value_of(endpoint.place_) : std::string_view();
}

Endpoint* Upstream::pick(const Choice& choice) {
  const uint64_t now_ms = parts_.loop.now_ms();
  penalties_->apply(candidates_, now_ms);
  slow_start_->apply(candidates_, now_ms);
  const auto exclude = [&](bool excluded) {
    for (const EndpointId id : choice.tried) {
      if (const Endpoint* endpoint = find(id))
        candidates_[endpoint->place_].excluded = excluded || endpoint->spec_->out;
    }
  };
  exclude(true);
  zones_->apply(candidates_);
  const auto picked = balancer_->pick(candidates_, {choice.hash, now_ms});
  exclude(false);
  return picked.has_value() ? endpoints_[*picked].get() : nullptr;
}

}  // namespace onehop::upstream
