// SPDX-License-Identifier: MIT
// The part of a pool that opens connections.
#include "dialing.h"

#include <fmt/format.h>

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
  Waiter& first = *dialing.waiters_.front();
  parts_.counters.opened.add(static_cast<size_t>(dialing.reason_));
  parts_.counters.open.add(1);
  parts_.counters.dial.record(parts_.loop.now_ns() - dialing.started_ns_);
  dialing.over_ = true;
  ++open_;
  if (parts_.reachability.found()) {
    log::info(
        fmt::format("upstream {}: {} is reached again", parts_.name, parts_.address.to_string()));
  }
  auto connection = std::make_unique<PooledConnection>(*this, age_limit_ms(), dialing.generation_);
  connection->client_ = std::move(dialing.client_);
  connection->attach(std::move(transport));
  connection->requests_ = connection->streams_ = 1;
  const bool multiplexed = connection->connection_->multiplexed();
  if (!dialing.upgrade_) multiplexes_ = multiplexed;
  PooledConnection& made = *connection.release();
  (multiplexed && !made.worn_out() ? ready_ : lent_).push_back(made);
  leave(first);
  first.on_lease(Lease(made, false));
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
  const LeaseError counted = dial_error(error);
  while (Waiter* waiter = dialing.waiters_.front()) {
    leave(*waiter);
    waiter->on_no_lease(counted);
  }
  serve_queue();
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
