// SPDX-License-Identifier: MIT
#include "onehop/upstream/upstream.h"

#include <fmt/format.h>

#include <algorithm>

#include "dialing.h"
#include "onehop/base/log.h"

namespace onehop::upstream {
namespace {

// A worker's part of max_connections: at least one, or the worker could serve nobody.
uint32_t share_of(uint32_t total, size_t worker, size_t worker_count) {
  if (total == 0) return 0;
  const auto count = static_cast<uint32_t>(worker_count);
  const uint32_t share = total / count + (worker < total % count ? 1 : 0);
  return std::max(share, 1u);
}

// "[::1]:443" and "app.test:443" without the port.
std::string host_of(std::string_view address) {
  std::string_view host = address.substr(0, address.rfind(':'));
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  return std::string(host);
}

// Makes TLS connections and counts their handshakes.
class SecureDialer final : public net::Dialer, private tls::DialObserver {
 public:
  // `name` is the endpoint's, as it is configured.
  SecureDialer(const Upstream::Parts& parts, std::string upstream, std::string name,
               telemetry::TlsShard& counters)
      : loop_(parts.loop),
        upstream_(std::move(upstream)),
        name_(std::move(name)),
        counters_(counters),
        dialer_(parts.loop, parts.dialer, parts.tls, host_of(name_), this) {}

  Result<std::unique_ptr<net::Dial>, net::NetError> dial(const Address& address,
                                                         net::Dial::Events& events) override {
    return dialer_.dial(address, events);
  }

 private:
  void on_handshake(bool resumed, uint64_t nanoseconds) override {
    (resumed ? counters_.resumed : counters_.full).record(nanoseconds);
  }
  void on_handshake_failed(tls::Failure failure) override {
    counters_.failures[static_cast<size_t>(failure)].add();
    if (loop_.now_ms() < log_again_ms_) return;
    log_again_ms_ = loop_.now_ms() + kLogEveryMs;
    log::warning(fmt::format("upstream {}: no TLS with {}: {} ({})", upstream_, name_,
                             tls::sentence_of(failure), tls::name_of(failure)));
  }
  void on_handshakes(int64_t change) override { counters_.in_progress.add(change); }

  net::Loop& loop_;
  std::string upstream_;
  std::string name_;
  telemetry::TlsShard& counters_;
  uint64_t log_again_ms_ = 0;
  tls::Dialer dialer_;
};

}  // namespace

Upstream::Upstream(const config::Upstream& config, std::span<const Address> addresses,
                   size_t first_endpoint, const Parts& parts)
    : config_(config),
      candidates_(addresses.size()),
      balancer_(make_balancer(config.balance, addresses.size())) {
  for (size_t i = 0; i < addresses.size(); ++i) {
    candidates_[i].weight = config.endpoints[i].weight;
    std::unique_ptr<net::Dialer> dialer;
    if (parts.tls != nullptr) {
      dialer = std::make_unique<SecureDialer>(parts, config.name, config.endpoints[i].address,
                                              parts.shard.endpoints[first_endpoint + i].tls);
    }
    const Pool::Parts pool{parts.loop,
                           dialer != nullptr ? *dialer : parts.dialer,
                           parts.pools,
                           config.pool,
                           config.timeouts,
                           parts.limits,
                           parts.shard.endpoints[first_endpoint + i],
                           config.protocol,
                           parts.tls != nullptr,
                           config.name,
                           addresses[i],
                           share_of(config.pool.max_connections, parts.worker, parts.worker_count),
                           parts.loop.now_ns() ^ ((parts.worker + 1) * 0x9E3779B97F4A7C15u + i)};
    endpoints_.push_back(std::make_unique<Endpoint>(config.endpoints[i].address, candidates_[i],
                                                    std::move(dialer), pool));
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
