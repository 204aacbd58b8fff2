// SPDX-License-Identifier: MIT
#include "onehop/upstream/upstreams.h"

#include <unordered_map>
#include <utility>

namespace onehop::upstream {

std::vector<std::shared_ptr<Upstream>> Upstreams::take(const std::vector<Wanted>& wanted) {
  std::unordered_map<std::string, std::shared_ptr<Upstream>> there;
  for (const Entry& entry : entries_) {
    if (auto upstream = entry.upstream.lock()) there.emplace(entry.key, std::move(upstream));
  }
  std::erase_if(entries_, [](const Entry& entry) { return entry.upstream.expired(); });
  std::vector<std::shared_ptr<Upstream>> taken;
  for (const auto& [settings, endpoints] : wanted) {
    std::string key = key_of(settings.config);
    const auto known = there.find(key);
    if (known != there.end()) {
      known->second->configure(settings, endpoints);
      taken.push_back(std::move(known->second));
      there.erase(known);
    } else {
      taken.push_back(Upstream::make(settings, endpoints, parts_));
      entries_.push_back({std::move(key), taken.back()});
    }
  }
  for (const auto& [key, upstream] : there) upstream->removed();
  return taken;
}

std::string Upstreams::key_of(const config::Upstream& config) {
  return config.name + '\n' + identity_of(config);
}

std::shared_ptr<Upstream> Upstreams::find(const config::Upstream& config) const {
  const std::string key = key_of(config);
  for (const Entry& entry : entries_) {
    if (entry.key == key && !entry.upstream.expired()) return entry.upstream.lock();
  }
  return nullptr;
}

}  // namespace onehop::upstream
