// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "onehop/upstream/endpoint_set.h"

namespace onehop::upstream {

std::string identity_of(const config::Upstream& upstream) {
  const config::UpstreamTls& tls = upstream.tls;
  return fmt::format("{} {} {}\n{}\n{}\n{}\n{}\n{}", static_cast<int>(upstream.protocol),
                     static_cast<int>(upstream.proxy_protocol), tls.enabled, tls.ca,
                     tls.server_name, tls.cert, tls.key, tls.insecure_skip_verify);
}

SpecRef EndpointBook::spec(const Described& described) {
  forget_those_gone();
  std::string key = described.upstream;
  for (const std::string& part :
       {described.identity, described.name, described.host, described.address.to_string()}) {
    key += '\n';
    key += part;
  }
  Entry& entry = entries_[std::move(key)];
  std::shared_ptr<SharedEndpoint> shared = entry.shared.lock();
  if (shared == nullptr) {
    entry.id = next_id_++;
    shared = std::make_shared<SharedEndpoint>();
    shared->cells = telemetry_.endpoint({described.upstream, described.name, described.tls});
    entry.shared = shared;
  }
  SpecRef latest = entry.latest.lock();
  if (latest != nullptr && latest->weight == described.weight &&
      latest->drained == described.drained && latest->rank == described.rank &&
      latest->zone == described.zone)
    return latest;
  latest = std::make_shared<const EndpointSpec>(EndpointSpec{.id = entry.id,
                                                             .name = described.name,
                                                             .host = described.host,
                                                             .address = described.address,
                                                             .weight = described.weight,
                                                             .drained = described.drained,
                                                             .rank = described.rank,
                                                             .zone = described.zone,
                                                             .shared = std::move(shared)});
  entry.latest = latest;
  return latest;
}

// Now and then, so that each costs little.
void EndpointBook::forget_those_gone() {
  if (entries_.size() < forget_at_) return;
  std::erase_if(entries_, [](const auto& entry) { return entry.second.shared.expired(); });
  forget_at_ = std::max<size_t>(64, 2 * entries_.size());
}

}  // namespace onehop::upstream
