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
      : pool_(pool), expires_ms_(expires_ms), generation_(generation) {}

  void attach(net::TransportPtr transport);

 private:
  friend class Pool;
  friend class Lease;
  void on_idle_end(http::ClientConnection& connection, http::Violation why) override;
  void on_capacity(http::ClientConnection&) override { pool_.serve(*this); }
  void on_idle_deadline();
  bool suits(Want want) const noexcept {
    return !want.fresh && !(want.upgrade && connection_->multiplexed());
  }
  // Why it must not be lent again, if so.
  std::optional<telemetry::OpenReason> worn_out() const;
  bool lendable() const { return connection_->capacity() > 0 && !worn_out(); }
  // It ends with the streams that it has.
  bool leaving() const {
    return streams_ > 0 && connection_->multiplexed() &&
           (connection_->takes_no_more() || worn_out());
  }

  Pool& pool_;
  std::unique_ptr<http::ClientConnection> connection_;
  uint64_t expires_ms_;  // max_age; UINT64_MAX: never
  uint64_t generation_;  // of the pool when it was dialed
  uint64_t requests_ = 0;
  size_t streams_ = 0;  // lent out
  net::Deadline idle_deadline_{this, net::DeadlineThunk<&PooledConnection::on_idle_deadline>::call};
};

}  // namespace onehop::upstream
