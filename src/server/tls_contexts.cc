// SPDX-License-Identifier: MIT
#include "tls_contexts.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "onehop/base/log.h"

namespace onehop::server {
namespace {

bool is_on(const config::Listener& listener) {
  return listener.tls.enabled();
}
bool is_on(const config::Upstream& upstream) {
  return upstream.tls.enabled;
}

std::string name_of(const config::Listener& listener) {
  return "listener " + listener.address;
}
std::string name_of(const config::Upstream& upstream) {
  return "upstream " + upstream.name;
}

// Whether a context that was made for the one is what the other would be made into.
bool are_alike(const config::Listener& one, const config::Listener& other) {
  return one.tls == other.tls && one.http2 == other.http2;
}
bool are_alike(const config::Upstream& one, const config::Upstream& other) {
  return one.tls == other.tls && one.protocol == other.protocol;
}

}  // namespace

template <class Context, class Settings>
Result<void, std::string> TlsContexts::Set<Context, Settings>::add(const Settings& settings,
                                                                   const Set* before) {
  // Those of one name (port 0) are told apart by their order.
  std::string name = name_of(settings);
  while (std::ranges::find(entries, name, &Entry::name) != entries.end()) name += '\'';
  Entry& entry = entries.emplace_back(Entry{std::move(name), settings, nullptr, {}});
  if (!is_on(settings)) return {};
  const Entry* known = nullptr;
  if (before != nullptr) {
    const auto found = std::ranges::find(before->entries, entry.name, &Entry::name);
    if (found != before->entries.end() && found->context != nullptr) known = &*found;
  }
  if (known != nullptr && are_alike(known->settings, settings) &&
      !known->context->files_changed()) {
    entry.context = known->context;
    entry.refused = known->refused;
    return {};
  }
  std::vector<std::string> warnings;
  auto context =
      Context::make(settings, known != nullptr ? known->context.get() : nullptr, warnings);
  if (!context.has_value())
    return Unexpected<std::string>(fmt::format("{}: {}", name_of(settings), context.error()));
  for (const std::string& warning : warnings) log::warning(warning);
  entry.context = std::move(*context);
  return {};
}

template <class Context, class Settings>
auto TlsContexts::Set<Context, Settings>::make(const std::vector<Settings>& all, const Set* before)
    -> Result<Set, std::string> {
  Set set;
  for (const Settings& settings : all) {
    if (auto added = set.add(settings, before); !added.has_value())
      return Unexpected<std::string>(added.error());
  }
  return set;
}

template <class Context, class Settings>
std::vector<size_t> TlsContexts::Set<Context, Settings>::refresh() {
  std::vector<size_t> changed;
  for (size_t i = 0; i < entries.size(); ++i) {
    auto& [name, settings, current, refused] = entries[i];
    if (current == nullptr || settings.tls.reload_interval.count() == 0 ||
        !current->files_changed())
      continue;
    std::vector<std::string> warnings;
    auto context = Context::make(settings, current.get(), warnings);
    if (!context.has_value()) {
      if (std::exchange(refused, context.error()) != context.error())
        log::error(
            fmt::format("{}: the new certificate files are refused and the old ones stay in use: "
                        "{}",
                        name_of(settings), context.error()));
      continue;
    }
    refused.clear();
    for (const std::string& warning : warnings) log::warning(warning);
    const bool as_before = (*context)->presents_as(*current);
    current = std::move(*context);
    if (as_before) continue;
    log::info(fmt::format("{}: the certificate files were read again", name_of(settings)));
    changed.push_back(i);
  }
  return changed;
}

Result<TlsContexts, std::string> TlsContexts::make(const config::Config& config,
                                                   const TlsContexts* before) {
  TlsContexts made;
  auto listeners = Set<tls::ServerContext, config::Listener>::make(
      config.listeners, before != nullptr ? &before->listeners_ : nullptr);
  if (!listeners.has_value()) return Unexpected<std::string>(listeners.error());
  made.listeners_ = std::move(*listeners);
  auto upstreams = Set<tls::ClientContext, config::Upstream>::make(
      config.upstreams, before != nullptr ? &before->upstreams_ : nullptr);
  if (!upstreams.has_value()) return Unexpected<std::string>(upstreams.error());
  made.upstreams_ = std::move(*upstreams);
  return made;
}

TlsContexts::Changed TlsContexts::refresh() {
  return {listeners_.refresh(), upstreams_.refresh()};
}

uint64_t TlsContexts::interval_ms() const {
  uint64_t least = 0;
  const auto look_at = [&](const auto& set) {
    for (const auto& entry : set.entries) {
      const auto interval = static_cast<uint64_t>(entry.settings.tls.reload_interval.count());
      if (entry.context == nullptr || interval == 0) continue;
      least = least == 0 ? interval : std::min(least, interval);
    }
  };
  look_at(listeners_);
  look_at(upstreams_);
  return least;
}

}  // namespace onehop::server
