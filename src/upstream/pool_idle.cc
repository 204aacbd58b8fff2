// SPDX-License-Identifier: MIT
// The part of a pool that keeps connections which rest, and gives them up before their endpoint
// does.
#include <algorithm>

#include "onehop/upstream/bond.h"
#include "pooled_connection.h"

namespace onehop::upstream {

using telemetry::Closer;
using telemetry::OpenReason;

void Pool::keep(PooledConnection& connection) {
  if (connection.is_bound_) return Bond::rest(connection);
  if (const auto worn_out = connection.worn_out())
    return discard(connection, *worn_out, Closer::onehop);
  const uint64_t rested = connection.lent_after_ms_;
  if (rested > parts_.tolerance.limit_ms())
    parts_.tolerance.served_after(rested - std::min(margin_ms(), rested / 2));
  const int64_t idle_ms = idle_ms_of(connection);
  if (idle_ms < 0) return discard(connection, OpenReason::not_persistent, Closer::onehop);
  connection.idle_since_ms_ = parts_.loop.now_ms();
  connection.idle_limit_ms_ = static_cast<uint64_t>(idle_ms);
  ready_.push_back(connection);
  ++idle_count_;
  parts_.counters.idle.add(1);
  // One that has no stream yet, because the last one is not gone, will say so.
  if (!queue_.empty() && connection.connection_->capacity() > 0) {
    Waiter* const waiter = queue_.front()->want_.fresh ? nullptr : first_for(connection);
    if (waiter == nullptr)  // its place is what is waited for
      return lost_idle(connection, OpenReason::evicted, Closer::onehop);
    leave(*waiter);
    waiter->on_lease(lend(connection));
    return serve(connection);
  }
  if (idle_count_ > parts_.settings.pool.max_idle)
    lost_idle(*oldest_idle(), OpenReason::evicted, Closer::onehop);
  if (idle_ms > 0 && connection.linked())
    parts_.loop.arm(connection.idle_deadline_, static_cast<uint64_t>(idle_ms));
}

// How long it may be idle: the least of what is configured, was learnt and was hinted at. 0: for
// ever; less: not at all, as the endpoint is about to close it.
int64_t Pool::idle_ms_of(const PooledConnection& connection) const {
  IdleTolerance& tolerance = parts_.tolerance;
  const auto configured = static_cast<uint64_t>(parts_.settings.pool.idle_timeout.count());
  const auto limit = static_cast<int64_t>(std::min(configured, tolerance.limit_ms()));
  const int64_t hint = connection.connection_->keep_alive_seconds();
  if (hint < 0) {
    tolerance.hinted(IdleTolerance::kNone);
    return limit;
  }
  const int64_t left = hint * 1000 - static_cast<int64_t>(margin_ms());
  tolerance.hinted(static_cast<uint64_t>(std::max<int64_t>(left, 0)));
  return left > 0 ? std::min(limit, left) : -1;
}

// A request is on its way for half a round trip, and so was the response that its rest began with.
// The quickest dial was a round trip, or a little more of them with TLS: twice that has room.
uint64_t Pool::margin_ms() const {
  const uint64_t configured = static_cast<uint64_t>(parts_.settings.pool.keep_alive_margin.count());
  constexpr uint64_t kNsPerMs = 1'000'000;
  if (quickest_dial_ns_ == UINT64_MAX) return configured;
  return std::max(configured, 2 * quickest_dial_ns_ / kNsPerMs);
}

// There is one.
PooledConnection* Pool::oldest_idle() {
  PooledConnection* oldest = nullptr;
  ready_.for_each([&](PooledConnection& connection) {
    if (oldest == nullptr && connection.streams_ == 0) oldest = &connection;
  });
  return oldest;
}

void Pool::lost_idle(PooledConnection& connection, OpenReason reason, Closer who) {
  --idle_count_;
  parts_.counters.idle.add(-1);
  discard(connection, reason, who);
}

size_t Pool::discard_idle(OpenReason reason) {
  size_t count = 0;
  for (; idle_count_ > 0; ++count) lost_idle(*oldest_idle(), reason, Closer::onehop);
  return count;
}

// The endpoint closed it, after so long a rest.
void PooledConnection::closed_after(uint64_t idle_ms) {
  pool_.parts_.tolerance.closed(
      {.idle_ms = idle_ms, .margin_ms = pool_.margin_ms(), .now_ms = pool_.parts_.loop.now_ms()});
}

void PooledConnection::on_idle_end(http::ClientConnection&, http::Violation why) {
  if (why == http::Violation::gone) closed_after(rested_ms());
  lost(OpenReason::peer_closed_idle,
       why == http::Violation::surplus ? Closer::error : Closer::peer);
}

void PooledConnection::on_idle_deadline() {
  const auto configured = static_cast<uint64_t>(pool_.parts_.settings.pool.idle_timeout.count());
  pool_.parts_.tolerance.held({.limit_ms = idle_limit_ms_,
                               .configured_ms = configured,
                               .now_ms = pool_.parts_.loop.now_ms()});
  lost(OpenReason::idle_expired, Closer::onehop);
}

// Those that are bound are not counted as idle: they are there for nobody else.
void PooledConnection::lost(OpenReason reason, Closer who) {
  is_bound_ ? pool_.discard(*this, reason, who) : pool_.lost_idle(*this, reason, who);
}

}  // namespace onehop::upstream
