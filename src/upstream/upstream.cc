// SPDX-License-Identifier: MIT
#include "onehop/upstream/upstream.h"

#include <algorithm>
#include <utility>

#include "penalties.h"
#include "secure_dialer.h"

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

Endpoint::Endpoint(std::string name, Place place, std::unique_ptr<SecureDialer> dialer,
                   const Pool::Parts& parts)
    : name_(std::move(name)),
      upstream_(parts.name),
      place_(place),
      loop_(parts.loop),
      counters_(parts.counters),
      dialer_(std::move(dialer)),
      pool_(parts) {}

Endpoint::~Endpoint() = default;

void Endpoint::use(std::shared_ptr<const tls::ClientContext> context) {
  dialer_->use(std::move(context));
  pool_.begin_anew();
}

void Endpoint::failed() {
  place_.penalties.add(place_.index, loop_.now_ms());
}

Upstream::Upstream(const config::Upstream& config, std::span<const Address> addresses,
                   size_t first_endpoint, const Parts& parts)
    : config_(config),
      loop_(parts.loop),
      candidates_(addresses.size()),
      penalties_(std::make_unique<Penalties>(addresses.size())),
      balancer_(make_balancer(config.balance, addresses.size())) {
  for (size_t i = 0; i < addresses.size(); ++i) {
    candidates_[i].weight = config.endpoints[i].weight;
    Reachability& reachability = parts.reachability[first_endpoint + i];
    std::unique_ptr<SecureDialer> dialer;
    net::Dialer* http1 = nullptr;
    if (parts.tls != nullptr) {
      dialer = std::make_unique<SecureDialer>(parts, config.name, config.endpoints[i].address,
                                              parts.shard.endpoints[first_endpoint + i].tls,
                                              reachability);
      if (config.protocol == config::UpstreamProtocol::automatic) http1 = &dialer->http1();
    }
    const Pool::Parts pool{
        .loop = parts.loop,
        .dialer = dialer != nullptr ? dialer->any() : parts.dialer,
        .http1_dialer = http1,
        .pools = parts.pools,
        .config = config.pool,
        .timeouts = config.timeouts,
        .http2 = config.http2,
        .limits = parts.limits,
        .counters = parts.shard.endpoints[first_endpoint + i],
        .protocol = config.protocol,
        .secure = parts.tls != nullptr,
        .name = config.name,
        .reachability = reachability,
        .address = addresses[i],
        .max_connections = share_of(config.pool.max_connections, parts.worker, parts.worker_count),
        .seed = parts.loop.now_ns() ^ ((parts.worker + 1) * 0x9E3779B97F4A7C15u + i)};
    endpoints_.push_back(std::make_unique<Endpoint>(config.endpoints[i].address,
                                                    Endpoint::Place{i, candidates_[i], *penalties_},
                                                    std::move(dialer), pool));
  }
}

Upstream::~Upstream() = default;

void Upstream::use(const std::shared_ptr<const tls::ClientContext>& context) {
  for (auto& endpoint : endpoints_) endpoint->use(context);
}

void Upstream::close() {
  for (auto& endpoint : endpoints_) endpoint->pool().discard_idle(telemetry::OpenReason::evicted);
}

std::optional<size_t> Upstream::pick(std::span<const uint16_t> tried) {
  penalties_->apply(candidates_, loop_.now_ms());
  for (const uint16_t index : tried) candidates_[index].excluded = true;
  const auto picked = balancer_->pick(candidates_);
  for (const uint16_t index : tried) candidates_[index].excluded = false;
  return picked;
}

}  // namespace onehop::upstream
