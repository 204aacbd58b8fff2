// SPDX-License-Identifier: MIT
#include "onehop/routing/router.h"

#include <algorithm>

#include "onehop/base/ascii.h"
#include "onehop/base/assert.h"
#include "onehop/routing/normal_path.h"

namespace onehop::routing {
namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), to_lower);
  return result;
}

// The host alone.
std::string_view host_of(std::string_view authority) {
  if (authority.starts_with('[')) return authority.substr(0, authority.find(']') + 1);
  const std::string_view host = authority.substr(0, authority.find(':'));
  return host.ends_with('.') ? host.substr(0, host.size() - 1) : host;  // the same name in DNS
}

bool ends_ignoring_case(std::string_view text, std::string_view end) {
  return text.size() > end.size() &&
         equals_ignoring_case(text.substr(text.size() - end.size()), end);
}

bool prefix_matches(std::string_view prefix, std::string_view path) {
  if (!path.starts_with(prefix)) return false;
  return prefix.ends_with('/') || path.size() == prefix.size() || path[prefix.size()] == '/';
}

// A route's path as those of requests are compared with it.
std::string comparable_route(const std::string& path) {
  Arena arena;
  const auto clean = unescaped(path, config::EncodedSlashes::keep, arena);
  return clean.has_value() ? std::string(comparable(*clean, Delimiters::encoded, arena)) : path;
}

size_t index_of(const std::vector<config::Upstream>& upstreams, std::string_view name) {
  const auto found = std::find_if(upstreams.begin(), upstreams.end(),
                                  [&](const auto& u) { return u.name == name; });
  ONEHOP_ASSERT(found != upstreams.end());
  return static_cast<size_t>(found - upstreams.begin());
}

}  // namespace

Router::Router(const std::vector<config::Route>& routes,
               const std::vector<config::Upstream>& upstreams) {
  for (size_t i = 0; i < routes.size(); ++i) {
    const config::Route& route = routes[i];
    const std::string host = lower(route.host);
    std::vector<Path>& paths = host.empty() ? any_host_
                               : host.starts_with("*.")
                                   ? paths_of(wildcards_, std::string_view(host).substr(1))
                                   : paths_of(exact_hosts_, host);
    paths.push_back({comparable_route(route.path),
                     route.match == config::PathMatch::exact,
                     {i, index_of(upstreams, route.upstream)}});
  }
  const auto order = [](std::vector<Path>& paths) {
    std::stable_sort(paths.begin(), paths.end(), [](const Path& a, const Path& b) {
      return a.exact != b.exact ? a.exact : a.text.size() > b.text.size();
    });
  };
  for (Host& host : exact_hosts_) order(host.paths);
  for (Host& host : wildcards_) order(host.paths);
  order(any_host_);
  std::stable_sort(wildcards_.begin(), wildcards_.end(),
                   [](const Host& a, const Host& b) { return a.name.size() > b.name.size(); });
}

std::vector<Router::Path>& Router::paths_of(std::vector<Host>& hosts, std::string_view name) {
  for (Host& host : hosts) {
    if (host.name == name) return host.paths;
  }
  return hosts.emplace_back(Host{std::string(name), {}}).paths;
}

std::optional<Match> Router::match_path(const std::vector<Path>& paths, std::string_view path) {
  for (const Path& candidate : paths) {
    if (candidate.exact ? candidate.text == path : prefix_matches(candidate.text, path))
      return candidate.match;
  }
  return std::nullopt;
}

std::optional<Match> Router::match(std::string_view authority, std::string_view target) const {
  // "OPTIONS *" is about the server as a whole: it goes where "/" goes.
  std::string_view path = target.substr(0, target.find('?'));
  if (path.empty() || path == "*") path = "/";
  if (!exact_hosts_.empty() || !wildcards_.empty()) {
    const std::string_view name = host_of(authority);
    for (const Host& host : exact_hosts_) {
      if (!equals_ignoring_case(host.name, name)) continue;
      if (const auto found = match_path(host.paths, path)) return found;
    }
    for (const Host& host : wildcards_) {
      if (!ends_ignoring_case(name, host.name)) continue;
      if (const auto found = match_path(host.paths, path)) return found;
    }
  }
  return match_path(any_host_, path);
}

}  // namespace onehop::routing
