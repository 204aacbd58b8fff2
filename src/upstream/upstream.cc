// SPDX-License-Identifier: MIT
#include "onehop/upstream/upstream.h"

#include <algorithm>

namespace onehop::upstream {
namespace {

// A worker's part of max_connections: at least one, or the worker could serve nobody.
uint32_t share_of(uint32_t total, size_t worker, size_t worker_count) {
  if (total == 0) return 0;
  const auto count = static_cast<uint32_t>(worker_count);
  const uint32_t share = total / count + (worker < total % count ? 1 : 0);
  return std::max(share, 1u);
}

}  // namespace

Upstream::Upstream(const config::Upstream& config, std::span<const Address> addresses,
                   size_t first_endpoint, const Parts& parts)
    : config_(config),
      candidates_(addresses.size()),
      balancer_(make_balancer(config.balance, addresses.size())) {
  for (size_t i = 0; i < addresses.size(); ++i) {
    candidates_[i].weight = config.endpoints[i].weight;
    const Pool::Parts pool{parts.loop,
                           parts.dialer,
                           parts.pools,
                           config.pool,
                           config.timeouts,
                           parts.limits,
                           parts.shard.endpoints[first_endpoint + i],
                           config.name,
                           addresses[i],
                           share_of(config.pool.max_connections, parts.worker, parts.worker_count),
                           parts.loop.now_ns() ^ ((parts.worker + 1) * 0x9E3779B97F4A7C15u + i)};
    endpoints_.push_back(
        std::make_unique<Endpoint>(config.endpoints[i].address, candidates_[i], pool));
  }
}

void Upstream::close() {
  for (auto& endpoint : endpoints_) endpoint->pool().discard_idle(telemetry::OpenReason::evicted);
}

std::optional<size_t> Upstream::pick(std::span<const uint16_t> tried) {
  for (const uint16_t index : tried) candidates_[index].excluded = true;
  const auto picked = balancer_->pick(candidates_);
  for (const uint16_t index : tried) candidates_[index].excluded = false;
  return picked;
}

}  // namespace onehop::upstream
