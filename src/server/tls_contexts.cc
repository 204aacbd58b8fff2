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

}  // namespace

template <class Context>
template <class Settings>
Result<void, std::string> TlsContexts::Set<Context>::make(const std::vector<Settings>& all) {
  for (const Settings& settings : all) {
    if (!is_on(settings)) {
      made.push_back(nullptr);
      continue;
    }
    std::vector<std::string> warnings;
    auto context = Context::make(settings, nullptr, warnings);
    if (!context.has_value())
      return Unexpected<std::string>(fmt::format("{}: {}", name_of(settings), context.error()));
    for (const std::string& warning : warnings) log::warning(warning);
    made.push_back(std::move(*context));
  }
  refused.resize(made.size());
  return {};
}

template <class Context>
template <class Settings>
std::vector<size_t> TlsContexts::Set<Context>::refresh(const std::vector<Settings>& all) {
  std::vector<size_t> changed;
  for (size_t i = 0; i < made.size(); ++i) {
    if (made[i] == nullptr || all[i].tls.reload_interval.count() == 0 || !made[i]->files_changed())
      continue;
    std::vector<std::string> warnings;
    auto context = Context::make(all[i], made[i].get(), warnings);
    if (!context.has_value()) {
      if (std::exchange(refused[i], context.error()) != context.error())
        log::error(
            fmt::format("{}: the new certificate files are refused and the old ones stay in use: "
                        "{}",
                        name_of(all[i]), context.error()));
      continue;
    }
    refused[i].clear();
    for (const std::string& warning : warnings) log::warning(warning);
    const bool as_before = (*context)->presents_as(*made[i]);
    made[i] = std::move(*context);
    if (as_before) continue;
    log::info(fmt::format("{}: the certificate files were read again", name_of(all[i])));
    changed.push_back(i);
  }
  return changed;
}

Result<void, std::string> TlsContexts::make(const config::Config& config) {
  if (auto made = listeners_.make(config.listeners); !made.has_value()) return made;
  return upstreams_.make(config.upstreams);
}

TlsContexts::Changed TlsContexts::refresh(const config::Config& config) {
  return {listeners_.refresh(config.listeners), upstreams_.refresh(config.upstreams)};
}

uint64_t TlsContexts::interval_ms(const config::Config& config) {
  uint64_t least = 0;
  const auto look_at = [&](const auto& all) {
    for (const auto& settings : all) {
      const auto interval = static_cast<uint64_t>(settings.tls.reload_interval.count());
      if (!is_on(settings) || interval == 0) continue;
      least = least == 0 ? interval : std::min(least, interval);
    }
  };
  look_at(config.listeners);
  look_at(config.upstreams);
  return least;
}

}  // namespace onehop::server
