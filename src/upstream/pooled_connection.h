// SPDX-License-Identifier: MIT
// A connection in its pool: what the pool remembers about it. Owned by the pool, in its idle or its
// lent list.
#pragma once

#include <optional>

#include "onehop/base/recycled.h"
#include "onehop/upstream/pool.h"

namespace onehop::upstream {

class PooledConnection final : public net::Retirable,
                               public Recycled<PooledConnection>,
                               public ListNode<PooledConnection>,
                               private http::ClientConnection::Events {
 public:
  PooledConnection(Pool& pool, uint64_t expires_ms, uint64_t generation)
      : pool_(pool),
        opened_ms_(pool.parts_.loop.now_ms()),
        expires_ms_(expires_ms),
        generation_(generation) {}

  void attach(net::TransportPtr transport);

 private:
  friend class Pool;
  friend class Lease;
  friend class Bond;
  void on_idle_end(http::ClientConnection& connection, http::Violation why) override;
  void on_capacity(http::ClientConnection&) override { pool_.serve(*this); }
  void on_idle_deadline();
  bool suits(Want want) const noexcept {
    return !want.fresh && !(want.upgrade && connection_->multiplexed()) &&
           (want.client == nullptr || (client_ != nullptr && *client_ == *want.client));
  }
  uint64_t rested_ms() const { return pool_.parts_.loop.now_ms() - idle_since_ms_; }
  // Too long at rest for a request that must not meet its end. Of many streams the endpoint says
  // which it has looked at (GOAWAY), so there it does not matter.
  bool is_old() const {
    const auto most =
        static_cast<uint64_t>(pool_.parts_.settings.pool.non_idempotent_max_idle.count());
    return !connection_->multiplexed() && rested_ms() >= most;
  }
  void closed_after(uint64_t idle_ms);
  void lost(telemetry::OpenReason reason, telemetry::Closer who);
  // Why it must not be lent again, if so. For good: its place may have been given to another one,
  // and what is learned of the endpoint's endurance changes.
  std::optional<telemetry::OpenReason> worn_out() const {
    if (!worn_out_.has_value()) worn_out_ = why_worn_out();
    return worn_out_;
  }
  std::optional<telemetry::OpenReason> why_worn_out() const;
  bool lendable() const { return connection_->capacity() > 0 && !worn_out(); }
  // It ends with the streams that it has.
  bool leaving() const {
    return streams_ > 0 && connection_->multiplexed() &&
           (connection_->takes_no_more() || worn_out());
  }

  Pool& pool_;
  std::unique_ptr<http::ClientConnection> connection_;
  mutable std::optional<telemetry::OpenReason> worn_out_;
  std::unique_ptr<const net::ProxyHeader> client_;  // whose it is, where it said so; see Want
  uint64_t opened_ms_;
  uint64_t expires_ms_;  // max_age; UINT64_MAX: never
  uint64_t generation_;  // of the pool when it was dialed
  uint64_t requests_ = 0;
  uint64_t refused_ = 0;        // of these, by an endpoint that did not look at them
  size_t streams_ = 0;          // lent out
  uint64_t idle_since_ms_ = 0;  // while it has none of them
  uint64_t idle_limit_ms_ = 0;  // and for how long at most
  uint64_t lent_after_ms_ = 0;  // idle for so long, when it was lent last
  Bond* bond_ = nullptr;        // where it may go on when it is given back
  bool is_bound_ = false;       // to a bond, which may be gone, and to nobody else
  net::Deadline idle_deadline_{this, net::DeadlineThunk<&PooledConnection::on_idle_deadline>::call};
};

}  // namespace onehop::upstream
