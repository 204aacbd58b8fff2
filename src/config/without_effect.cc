// SPDX-License-Identifier: MIT
#include "without_effect.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "key_path.h"
#include "onehop/base/address.h"
#include "onehop/config/load.h"
#include "onehop/config/schema.h"

namespace onehop::config {
namespace {

// A visitor of a table without tables in it: its keys, each with its value as the file writes it.
class Writer {
 public:
  template <class Rule, class T>
  void value(std::string_view key, const T& member, const Rule& rule, std::string_view) {
    written_.emplace_back(key, written(rule, member));
  }

  template <class T>
  static auto of(const T& table) {
    Writer writer;
    describe(writer, table);
    return std::move(writer.written_);
  }

 private:
  std::vector<std::pair<std::string, std::string>> written_;
};

// The keys of `table` that are not as by default.
template <class T>
std::vector<std::pair<std::string, std::string>> changed(const T& table) {
  auto values = Writer::of(table);
  const auto defaults = Writer::of(T{});
  std::erase_if(
      values, [&](const auto& one) { return std::ranges::find(defaults, one) != defaults.end(); });
  return values;
}

// Nobody asks for HTTP/2 then, so neither its windows nor its PING are used.
void add_http2(std::vector<WithoutEffect>& all, const Upstream& upstream) {
  if (upstream.protocol != UpstreamProtocol::h1) return;
  const std::string at = upstream_key(upstream.name);
  const auto add = [&](std::string_view key, std::string found) {
    all.push_back({joined(at, key),
                   "no effect while protocol is \"h1\", but with \"h2\" or \"auto\"",
                   std::move(found), joined(at, "protocol")});
  };
  const milliseconds ping = upstream.timeouts.http2_ping;
  if (ping != UpstreamTimeouts{}.http2_ping) add("timeouts.http2_ping", written(Time{}, ping));
  for (const auto& [key, found] : changed(upstream.http2)) add(joined("http2", key), found);
}

// What is of TCP has no use on a unix socket, and what is of its file none at an address.
void add_sockets(std::vector<WithoutEffect>& all, const Listener& listener, size_t place) {
  const std::string at = fmt::format("listener[{}]", place);
  const bool is_unix = Address::of_unix(listener.address).has_value();
  if (is_unix && listener.defer_accept) {
    all.push_back({joined(at, "defer_accept"), "no effect on a unix socket",
                   written(Flag{}, listener.defer_accept), joined(at, "address")});
  }
  if (!is_unix && listener.mode != Listener{}.mode) {
    all.push_back({joined(at, "mode"), "no effect but on a unix socket (\"unix:/path\")",
                   written(Text::file_mode, listener.mode), joined(at, "address")});
  }
}

void add_sockets(std::vector<WithoutEffect>& all, const Upstream& upstream) {
  const auto is_unix = [](const Endpoint& one) {
    return Address::of_unix(one.address).has_value();
  };
  if (upstream.endpoints.empty() || !std::ranges::all_of(upstream.endpoints, is_unix)) return;
  const std::string at = upstream_key(upstream.name);
  for (const auto& [key, found] : changed(upstream.timeouts)) {
    if (key == "tcp_user_timeout" || key == "tcp_keepalive")
      all.push_back({joined(at, joined("timeouts", key)),
                     "no effect while every endpoint is a unix socket", found,
                     joined(at, "endpoints")});
  }
}

void add_hash(std::vector<WithoutEffect>& all, const Upstream& upstream) {
  if (upstream.balance == Balance::ring_hash || upstream.balance == Balance::maglev) return;
  const std::string at = upstream_key(upstream.name);
  const auto add = [&](std::string_view key, std::string found) {
    all.push_back({joined(at, key), "no effect but with balance \"ring_hash\" or \"maglev\"",
                   std::move(found), joined(at, "balance")});
  };
  if (!upstream.hash_by.empty()) add("hash_by", written(Text::hash_key, upstream.hash_by));
  const uint32_t factor = upstream.hash_balance_factor;
  if (factor != Upstream{}.hash_balance_factor) add("hash_balance_factor", std::to_string(factor));
}

// Without a zone of its own onehop prefers none.
void add_zones(std::vector<WithoutEffect>& all, const Upstream& upstream) {
  const std::string at = upstream_key(upstream.name);
  const auto add = [&](std::string_view key, std::string found) {
    all.push_back(
        {joined(at, key), "no effect while server.zone is \"\"", std::move(found), "server.zone"});
  };
  for (size_t i = 0; i < upstream.endpoints.size(); ++i) {
    const std::string& zone = upstream.endpoints[i].zone;
    if (!zone.empty()) add(fmt::format("endpoints[{}].zone", i), written(Text::zone, zone));
  }
  const uint32_t percent = upstream.zone_spill_below;
  if (percent != Upstream{}.zone_spill_below) add("zone_spill_below", std::to_string(percent));
}

// What is counted by something else has no addresses, and of a dry run nobody is told.
void add_rate_limits(std::vector<WithoutEffect>& all, const RateLimit& limit) {
  const std::string at = joined("rate_limit", toml_key(limit.name));
  if (limit.by != RateLimit{}.by && limit.ipv6_prefix != RateLimit{}.ipv6_prefix) {
    all.push_back({joined(at, "ipv6_prefix"), "no effect but where by is \"client\"",
                   std::to_string(limit.ipv6_prefix), joined(at, "by")});
  }
  if (limit.dry_run && limit.headers) {
    all.push_back({joined(at, "headers"), "no effect while dry_run is true",
                   written(Flag{}, limit.headers), joined(at, "dry_run")});
  }
}

void add_per_client(std::vector<WithoutEffect>& all, const PerClient& limits, size_t place) {
  if (limits.burst == 0 || limits.new_connections.count != 0) return;
  const std::string at = fmt::format("listener[{}].per_client", place);
  all.push_back({joined(at, "burst"), "no effect while new_connections is \"off\"",
                 std::to_string(limits.burst), joined(at, "new_connections")});
}

// A check that asks for no page has no use for what one is asked with, and judged by.
void add_health(std::vector<WithoutEffect>& all, const Upstream& upstream) {
  if (upstream.health.check == HealthCheck::http) return;
  const std::string at = upstream_key(upstream.name);
  for (const auto& [key, found] : changed(upstream.health)) {
    if (key == "method" || key == "path" || key == "status")
      all.push_back({joined(at, joined("health", key)),
                     fmt::format("no effect while check is {}",
                                 written(Choice<HealthCheck>{}, upstream.health.check)),
                     found, joined(at, "health.check")});
  }
}

// Over the socket nobody asks for a token or looks at a name.
void add_admin(std::vector<WithoutEffect>& all, const Admin& admin) {
  if (!admin.listen.empty()) return;
  const auto add = [&](std::string_view key, std::string found) {
    all.push_back({joined("admin", key), "no effect while admin.listen is \"\"", std::move(found),
                   "admin.listen"});
  };
  if (!admin.token_file.empty()) add("token_file", written(Text::optional_file, admin.token_file));
  if (!admin.token.empty()) add("token", "***");
  if (!admin.hosts.empty()) add("hosts", written(Text::host, admin.hosts));
}

}  // namespace

std::vector<WithoutEffect> without_effect(const Config& config) {
  std::vector<WithoutEffect> all;
  const bool any = std::ranges::any_of(config.listeners, &Listener::http2);
  if (!any && !config.listeners.empty()) {
    for (auto& [key, found] : changed(config.server.http2)) {
      all.push_back({joined("server.http2", key),
                     "no effect while http2 is false on every listener", std::move(found),
                     "listener"});
    }
  }
  for (size_t i = 0; i < config.listeners.size(); ++i) {
    add_sockets(all, config.listeners[i], i);
    add_per_client(all, config.listeners[i].per_client, i);
  }
  for (const Upstream& upstream : config.upstreams) {
    add_http2(all, upstream);
    add_sockets(all, upstream);
    add_hash(all, upstream);
    if (config.server.zone.empty()) add_zones(all, upstream);
    add_health(all, upstream);
  }
  for (const RateLimit& limit : config.rate_limits) add_rate_limits(all, limit);
  add_admin(all, config.admin);
  return all;
}

}  // namespace onehop::config
