// SPDX-License-Identifier: MIT
#include "onehop/proxy/rate_limits.h"

#include <algorithm>
#include <span>
#include <utility>

#include "cookies.h"
#include "onehop/base/address.h"
#include "onehop/base/ascii.h"
#include "rate_fields.h"
#include "text.h"

namespace onehop::proxy {
namespace {

using By = config::RateKey::By;

std::string_view path_of(std::string_view target) {
  return target.substr(0, target.find('?'));
}

// By a field's values, in their order: an endpoint may believe any of them.
std::optional<uint64_t> hash_of_field(const HashSecret& key, const http::RequestHead& head,
                                      std::string_view name) {
  std::optional<uint64_t> hash;
  if (equals_ignoring_case(name, "host")) return keyed_hash(key, head.authority);
  for (const http::Field& field : head.fields) {
    if (!equals_ignoring_case(field.name, name)) continue;
    hash = keyed_hash({key.first ^ hash.value_or(0), key.second}, field.value);
  }
  return hash;
}

}  // namespace

// A limit that the request is within, by the token that it took, or would be but for dry_run.
struct RateLimits::Met {
  const Limit* limit;
  uint64_t hash;
  TokenTable::Taken taken;
};

RateLimits::RateLimits(const Parts& parts) : hash_secret_(parts.hash_secret) {
  const config::Config& config = parts.config;
  for (size_t i = 0; i < config.rate_limits.size(); ++i) {
    const config::RateLimit& limit = config.rate_limits[i];
    limits_.push_back({&limit, *config::rate_key(limit.by), parts.tokens[i], parts.counters[i]});
  }
  for (const config::Route& route : config.routes) {
    Places& places = by_route_.emplace_back();
    add(route.rate_limits, places);
    const auto upstream =
        std::ranges::find(config.upstreams, route.upstream, &config::Upstream::name);
    if (upstream != config.upstreams.end()) add(upstream->rate_limits, places);
  }
  for (const Terms& terms : parts.listeners) {
    if (terms->config.rate_limits.empty()) continue;
    add(terms->config.rate_limits, by_listener_.emplace_back(terms, Places()).second);
  }
}

void RateLimits::add(const std::vector<std::string>& names, Places& places) const {
  for (const std::string& name : names) {
    const auto named = [&](const Limit& limit) { return limit.config->name == name; };
    const auto place = static_cast<size_t>(std::ranges::find_if(limits_, named) - limits_.begin());
    if (std::ranges::find(places, place) == places.end()) places.push_back(place);
  }
}

// Nothing: it has not what the limit counts by.
std::optional<uint64_t> RateLimits::hash_of(const Limit& limit, const Asking& asking) const {
  switch (limit.key.by) {
    case By::client: {
      const bool is_peer = asking.address.data() == asking.client.ip;
      const auto named =
          is_peer ? std::optional(asking.client.address) : Address::numeric(asking.address, 0);
      if (!named.has_value() || named->is_unix()) return keyed_hash(hash_secret_, asking.address);
      return keyed_hash(hash_secret_, network_of(*named, limit.config->ipv6_prefix).view());
    }
    case By::header:
      return hash_of_field(hash_secret_, asking.head, limit.key.name);
    case By::cookie: {
      const auto value = cookie_of(asking.head.fields, limit.key.name);
      return value.has_value() ? std::optional(keyed_hash(hash_secret_, *value)) : std::nullopt;
    }
    case By::path:
      return keyed_hash(hash_secret_, path_of(asking.head.target));
    case By::all:
      return 0;
  }
  return std::nullopt;
}

const Rated* RateLimits::ask(const Asking& asking, Arena& arena) const {
  static const Places kNone;
  const auto listener = std::ranges::find_if(
      by_listener_, [&](const auto& one) { return one.first.get() == asking.terms; });
  const Places& first = listener == by_listener_.end() ? kNone : listener->second;
  const Places& second = asking.route.has_value() ? by_route_[*asking.route] : kNone;
  if (first.empty() && second.empty()) return nullptr;
  const std::span<Met> room = arena.array<Met>(first.size() + second.size());
  size_t met = 0;
  std::string_view would_refuse;
  for (const Places* places : {&first, &second}) {
    for (const size_t place : *places) {
      const bool again = places == &second && std::ranges::find(first, place) != first.end();
      const Limit& limit = limits_[place];
      const auto hash = again ? std::nullopt : hash_of(limit, asking);
      if (!hash.has_value()) continue;
      const auto taken = limit.tokens->take(*hash, limit.config->bucket(), asking.now_ns);
      if (taken.forgot) limit.counters->forgotten.add();
      if (!taken.granted && !limit.config->dry_run) {
        for (const Met& one : room.first(met)) {
          if (one.taken.granted) one.limit->tokens->give_back(one.hash, asking.now_ns);
        }
        return refuse(limit, taken, arena);
      }
      if (!taken.granted && would_refuse.empty()) would_refuse = limit.config->name;
      room[met++] = {&limit, *hash, taken};
    }
  }
  RateFields fields(arena);
  for (const Met& one : room.first(met)) {
    const config::RateLimit& limit = *one.limit->config;
    (one.taken.granted ? one.limit->counters->allowed : one.limit->counters->dry_run_refused).add();
    if (limit.headers && !limit.dry_run) fields.add(limit, one.taken);
  }
  if (would_refuse.empty() && fields.policies().empty()) return nullptr;
  Rated& rated = arena.array<Rated>(1).front();
  rated.policies = fields.policies();
  rated.remaining = fields.remaining();
  if (!would_refuse.empty())
    rated.noted = (Text(arena, would_refuse.size() + 16) << would_refuse << " (dry_run)").view();
  return &rated;
}

const Rated* RateLimits::refuse(const Limit& limit, const TokenTable::Taken& taken,
                                Arena& arena) const {
  limit.counters->refused.add();
  const config::RateLimit& config = *limit.config;
  Rated& rated = arena.array<Rated>(1).front();
  rated.refused = true;
  rated.noted = config.name;
  rated.retry_after_s = whole_seconds(taken.wait_ns);
  RateFields fields(arena);
  fields.add(config, taken);
  rated.policies = fields.policies();
  rated.remaining = fields.remaining();
  Text text(arena, config.name.size() + 128);
  text << "The rate limit \"" << config.name << "\" allows " << config.rate.count << " in "
       << static_cast<uint64_t>(config.rate.time.count() / 1000) << " s; the next one in "
       << rated.retry_after_s << " s";
  rated.detail = text.view();
  return &rated;
}

}  // namespace onehop::proxy
