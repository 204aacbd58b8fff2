// SPDX-License-Identifier: MIT
#include <utility>

#include "onehop/base/assert.h"
#include "onehop/upstream/upstream.h"
#include "penalties.h"
#include "proxy_dialer.h"
#include "secure_dialer.h"

namespace onehop::upstream {
namespace {

uint64_t seed_of(const net::Loop& loop, size_t worker, EndpointId id) {
  return loop.now_ns() ^ ((worker + 1) * 0x9E3779B97F4A7C15u + id);
}

}  // namespace

struct Endpoint::Connections {
  explicit Connections(Endpoint& endpoint)
      : counters(endpoint.spec_->shared->cells->by_worker.of(endpoint.upstream_.parts_.worker)),
        announcer(announcer_of(endpoint)),
        dialer(dialer_of(endpoint, *this)),
        pool(parts_of(endpoint, *this)) {}

  static std::unique_ptr<ProxyDialer> announcer_of(const Endpoint& endpoint) {
    const Upstream& upstream = endpoint.upstream_;
    if (upstream.proxy_protocol_ == config::ProxyProtocol::off) return nullptr;
    return std::make_unique<ProxyDialer>(upstream.parts_.dialer, upstream.proxy_protocol_);
  }

  static std::unique_ptr<SecureDialer> dialer_of(Endpoint& endpoint, Connections& made) {
    const Upstream& upstream = endpoint.upstream_;
    if (upstream.tls_ == nullptr) return nullptr;
    return std::make_unique<SecureDialer>(SecureDialer::Parts{.loop = upstream.parts_.loop,
                                                              .dialer = made.plain(upstream),
                                                              .context = upstream.tls_,
                                                              .upstream = upstream.name_,
                                                              .spec = endpoint.spec_,
                                                              .counters = made.counters.tls});
  }

  static Pool::Parts parts_of(Endpoint& endpoint, Connections& made) {
    const Upstream& upstream = endpoint.upstream_;
    const bool secure = made.dialer != nullptr;
    const bool has_choice = upstream.protocol_ == config::UpstreamProtocol::automatic;
    return {.loop = upstream.parts_.loop,
            .dialer = secure ? made.dialer->any() : made.plain(upstream),
            .http1_dialer = secure && has_choice ? &made.dialer->http1() : nullptr,
            .pools = upstream.parts_.pools,
            .settings = upstream.settings_,
            .counters = made.counters,
            .protocol = upstream.protocol_,
            .secure = secure,
            .name = upstream.name_,
            .reachability = endpoint.spec_->shared->reachability,
            .tolerance = endpoint.spec_->shared->tolerance,
            .address = endpoint.spec_->address,
            .seed = seed_of(upstream.parts_.loop, upstream.parts_.worker, endpoint.id()),
            .announcer = made.announcer.get()};
  }

  // What connections are made with, below TLS.
  net::Dialer& plain(const Upstream& upstream) const {
    return announcer != nullptr ? static_cast<net::Dialer&>(*announcer) : upstream.parts_.dialer;
  }

  telemetry::EndpointShard& counters;
  std::unique_ptr<ProxyDialer> announcer;
  std::unique_ptr<SecureDialer> dialer;
  Pool pool;
};

Endpoint::Endpoint(Upstream& upstream, SpecRef spec)
    : upstream_(upstream), spec_(std::move(spec)) {}

Endpoint::~Endpoint() = default;

const std::string& Endpoint::upstream() const {
  return upstream_.name_;
}

Endpoint::Connections& Endpoint::connections() {
  if (connections_ == nullptr) connections_ = std::make_unique<Connections>(*this);
  return *connections_;
}

Pool& Endpoint::pool() {
  return connections().pool;
}

telemetry::EndpointShard& Endpoint::counters() {
  return connections().counters;
}

void Endpoint::count(int change) {
  in_flight_ += static_cast<uint32_t>(change);
  if (place_ != kNew) upstream_.candidates_[place_].in_flight = in_flight_;
  counters().in_flight.add(change);
}

void Endpoint::ended(RequestEnd end) {
  if (end.says == RequestEnd::Says::nothing) return;
  FailureCount& failures = spec_->shared->failures;
  if (end.says == RequestEnd::Says::well) {
    if (failures.in_a_row.load(std::memory_order_relaxed) != 0)
      failures.in_a_row.store(0, std::memory_order_relaxed);
    return;
  }
  if (place_ != kNew) upstream_.penalties_->add(place_, upstream_.parts_.loop.now_ms());
  if (!upstream_.failures_.has(end.failure)) return;
  failures.last.store(end.failure, std::memory_order_relaxed);
  const uint32_t in_a_row = failures.in_a_row.fetch_add(1, std::memory_order_relaxed) + 1;
  const uint32_t alarming = upstream_.alarming_failures_;
  if (alarming != 0 && in_a_row % alarming == 0)
    upstream_.parts_.alarm.on_failures(upstream_.name_, id());
}

uint64_t Endpoint::latency_clock_ns() const {
  return upstream_.balancer_->wants_latencies() ? upstream_.parts_.loop.now_ns() : 0;
}

void Endpoint::answered(uint64_t took_ns, Answer answer) {
  if (place_ != kNew)
    upstream_.balancer_->answered(place_, {took_ns, answer, upstream_.parts_.loop.now_ms()});
}

void Endpoint::use(const std::shared_ptr<const tls::ClientContext>& context) {
  if (connections_ == nullptr || connections_->dialer == nullptr) return;
  connections_->dialer->use(context);
  connections_->pool.begin_anew();
}

void Endpoint::reconfigured() {
  if (connections_ != nullptr) connections_->pool.reconfigured();
}

// It is a candidate from now on.
void Endpoint::enter(uint64_t warming_since_ms) {
  warming_since_ms_ = warming_since_ms;
  spec_->shared->warming_since_ms.store(warming_since_ms, std::memory_order_relaxed);
}

// Its time is over. Those whose response has come whole, and who wait for their clients alone, have
// it still.
void Endpoint::cut() {
  if (connections_ != nullptr) connections_->pool.cut();
}

// Those who wait are told in this call.
void Endpoint::leave() {
  leaving_ = true;
  if (connections_ != nullptr) connections_->pool.leave();
  on_unpinned();
}

void Endpoint::on_unpinned() {
  if (leaving_ && !pinned()) upstream_.parts_.loop.mark_dirty(*this);
}

// The end of the turn: every lease of it was given back.
void Endpoint::flush() {
  if (pinned()) return;
  ONEHOP_ASSERT(connections_ == nullptr || connections_->pool.empty());
  upstream_.has_left(*this);
}

}  // namespace onehop::upstream
