// SPDX-License-Identifier: MIT
// The part of a pool that opens connections.
#include "dialing.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "onehop/base/log.h"
#include "onehop/http/h1.h"
#include "onehop/http/h2.h"
#include "pooled_connection.h"

namespace onehop::upstream {

using telemetry::OpenReason;

void Pool::dial(Waiter& waiter, OpenReason reason) {
  auto dialing = std::make_unique<Dialing>(*this, reason, waiter.want_);
  dialing->add(waiter);
  ++dialing_count_;
  parts_.counters.connecting.add(1);
  // The last one may be joined.
  Dialing& begun = *dialing.release();
  begun.upgrade_ ? dialing_.push_front(begun) : dialing_.push_back(begun);
  parts_.loop.mark_dirty(begun);
}

void Pool::dialed(Dialing& dialing, net::TransportPtr transport) {
  parts_.counters.opened.add(static_cast<size_t>(dialing.reason_));
  parts_.counters.open.add(1);
  const uint64_t took_ns = parts_.loop.now_ns() - dialing.started_ns_;
  parts_.counters.dial.record(took_ns);
  quickest_dial_ns_ = std::min(quickest_dial_ns_, took_ns);
  dialing.over_ = true;
  ++open_;
  if (parts_.reachability.found()) {
    log::info(
        fmt::format("upstream {}: {} is reached again", parts_.name, parts_.address.to_string()));
  }
  auto connection = std::make_unique<PooledConnection>(*this, age_limit_ms(), dialing.generation_);
  connection->client_ = std::move(dialing.client_);
  connection->attach(std::move(transport));
  const bool multiplexed = connection->connection_->multiplexed();
  if (!dialing.upgrade_) multiplexes_ = multiplexed;
  PooledConnection& made = *connection.release();
  dialing.passed_over_ = false;
  Waiter* const first = dialing.waiters_.front();
  if (first == nullptr) {
    end(dialing);
    return keep(made);
  }
  made.requests_ = made.streams_ = 1;
  (multiplexed && !made.worn_out() ? ready_ : lent_).push_back(made);
  leave(*first);
  first->on_lease(Lease(made, false));
  // Whoever waited beside the first: on the same connection, or, if it has no stream for them, each
  // on another one.
  while (Waiter* waiter = dialing.waiters_.front()) {
    leave(*waiter);
    if (made.lendable()) {
      waiter->on_lease(lend(made));
      continue;
    }
    const auto outcome = open_for(*waiter);
    if (const auto* error = std::get_if<LeaseError>(&outcome)) {
      waiter->on_no_lease(*error);
    } else if (std::get<Waiting>(outcome) == Waiting::in_queue) {
      waiter->on_queued();
    }
  }
  serve(made);
}

void Pool::dial_failed(Dialing& dialing, const LeaseError& error) {
  dialing.over_ = true;
  dialing.passed_over_ = false;
  const LeaseError counted = dial_error(error);
  if (dialing.waiters_.empty()) end(dialing);
  while (Waiter* waiter = dialing.waiters_.front()) {
    leave(*waiter);
    waiter->on_no_lease(counted);
  }
  serve_queue();
}

// Those who wait go elsewhere in this call; who comes back, as there is nobody else, waits on.
void Pool::pass_over(Dialing& dialing) {
  dialing.passed_over_ = true;
  for (size_t count = dialing.waiter_count_; count > 0 && !dialing.waiters_.empty(); --count) {
    Waiter& waiter = *dialing.waiters_.front();
    leave(waiter);
    waiter.on_no_lease({NoLease::slow, {}});
  }
}

// The one under way that was passed over, and whose connection would be what is wanted.
Dialing* Pool::slow_dial(const Want& want) {
  Dialing* found = nullptr;
  if (want.fresh || want.client != nullptr || !parts_.reachability.has_alternative()) return found;
  dialing_.for_each([&](Dialing& one) {
    if (one.passed_over_ && one.upgrade_ == want.upgrade && one.generation_ == generation_)
      found = &one;
  });
  return found;
}

void Pool::end(Dialing& dialing) noexcept {
  dialing.forget();
  --dialing_count_;
  parts_.counters.connecting.add(-1);
  parts_.loop.retire(std::unique_ptr<Dialing>(&dialing));
}

void Pool::end_passed_over() noexcept {
  dialing_.for_each([this](Dialing& one) {
    if (!std::exchange(one.passed_over_, false) || !one.waiters_.empty()) return;
    parts_.counters.dials_given_up.add();
    end(one);
  });
}

// Counts a failed dial. The log has a line when an endpoint goes, not for each request.
LeaseError Pool::dial_error(const LeaseError& error) {
  const bool local = error.why == NoLease::local_fault;
  (local ? parts_.counters.local_faults : parts_.counters.connect_failed).add();
  if (error.network.number == ECONNREFUSED) parts_.reachability.refused();
  if (!local && parts_.reachability.lost(parts_.loop.now_ms())) {
    log::warning(fmt::format(
        "upstream {}: {} cannot be reached: {}", parts_.name, parts_.address.to_string(),
        error.network.is_tls_failure() ? "the handshake of TLS failed" : error.network.sentence()));
  }
  return error;
}

// Over TLS the handshake has agreed on the protocol; without, h2 is what both sides are configured
// for (RFC 9113 3.3).
void PooledConnection::attach(net::TransportPtr transport) {
  const Pool::Parts& parts = pool_.parts_;
  const bool h2 = parts.secure ? transport->application_protocol() == "h2"
                               : parts.protocol == config::UpstreamProtocol::h2;
  const auto ms = [](config::milliseconds time) { return static_cast<uint64_t>(time.count()); };
  const config::UpstreamTimeouts& timeouts = parts.settings.timeouts;
  transport->watch_peer({ms(timeouts.tcp_user_timeout), ms(timeouts.tcp_keepalive)});
  connection_ =
      h2 ? http::h2::connect(parts.loop, std::move(transport), parts.settings.limits,
                             parts.counters, *this,
                             {parts.secure, ms(timeouts.http2_ping),
                              static_cast<uint32_t>(parts.settings.http2.stream_window),
                              static_cast<uint32_t>(parts.settings.http2.max_stream_window)})
         : http::h1::connect(parts.loop, std::move(transport), parts.settings.limits,
                             parts.counters, *this);
}

}  // namespace onehop::upstream
