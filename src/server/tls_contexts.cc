// SPDX-License-Identifier: MIT
#include "tls_contexts.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "onehop/base/log.h"

namespace onehop::server {

Result<void, std::string> TlsContexts::make(const config::Config& config) {
  for (const config::Listener& listener : config.listeners) {
    refused_.emplace_back();
    if (!listener.tls.enabled()) {
      listeners_.push_back(nullptr);
      continue;
    }
    std::vector<std::string> warnings;
    auto made = tls::ServerContext::make(listener, nullptr, warnings);
    if (!made.has_value())
      return Unexpected<std::string>(
          fmt::format("listener {}: {}", listener.address, made.error()));
    for (const std::string& warning : warnings) log::warning(warning);
    listeners_.push_back(std::move(*made));
  }
  for (const config::Upstream& upstream : config.upstreams) {
    if (!upstream.tls.enabled) {
      upstreams_.push_back(nullptr);
      continue;
    }
    auto made = tls::ClientContext::make(upstream);
    if (!made.has_value())
      return Unexpected<std::string>(fmt::format("upstream {}: {}", upstream.name, made.error()));
    upstreams_.push_back(std::move(*made));
  }
  return {};
}

std::vector<size_t> TlsContexts::refresh(const config::Config& config) {
  std::vector<size_t> changed;
  for (size_t i = 0; i < listeners_.size(); ++i) {
    if (listeners_[i] == nullptr || !listeners_[i]->files_changed()) continue;
    std::vector<std::string> warnings;
    auto made = tls::ServerContext::make(config.listeners[i], listeners_[i].get(), warnings);
    const std::string& address = config.listeners[i].address;
    if (!made.has_value()) {
      if (std::exchange(refused_[i], made.error()) != made.error())
        log::error(
            fmt::format("listener {}: the new certificate files are refused and the old "
                        "ones stay in use: {}",
                        address, made.error()));
      continue;
    }
    refused_[i].clear();
    for (const std::string& warning : warnings) log::warning(warning);
    log::info(fmt::format("listener {}: the certificate files were read again", address));
    listeners_[i] = std::move(*made);
    changed.push_back(i);
  }
  return changed;
}

uint64_t TlsContexts::interval_ms(const config::Config& config) {
  uint64_t least = 0;
  for (const config::Listener& listener : config.listeners) {
    const auto interval = static_cast<uint64_t>(listener.tls.reload_interval.count());
    if (!listener.tls.enabled() || interval == 0) continue;
    least = least == 0 ? interval : std::min(least, interval);
  }
  return least;
}

}  // namespace onehop::server
