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
    std::string key = settings.config.name + '\n' + identity_of(settings.config);
    const auto known = there.find(key);
    if (known != there.end()) {
      known->second->configure(settings, endpoints);
      taken.push_back(known->second);
    } else {
      taken.push_back(Upstream::make(settings, endpoints, parts_));
      entries_.push_back({std::move(key), taken.back()});
    }
  }
  return taken;
}

}  // namespace onehop::upstream
