// SPDX-License-Identifier: MIT
#pragma once

#include "onehop/upstream/pool.h"

namespace onehop::upstream {

// A dial: for one waiter, or for many where one connection will serve them.
class Pool::Dialing final : public net::Retirable,
                            public ListNode<Dialing>,
                            private net::Dial::Events {
 public:
  Dialing(Pool& pool, telemetry::OpenReason reason)
      : pool_(pool), reason_(reason), started_ns_(pool.parts_.loop.now_ns()) {}

  Result<void, net::NetError> start() {
    auto dial = pool_.parts_.dialer.dial(pool_.parts_.address, *this);
    if (!dial.has_value()) return Unexpected<net::NetError>(dial.error());
    dial_ = std::move(*dial);
    const auto patience = pool_.parts_.timeouts.connect.count();
    if (patience > 0) pool_.parts_.loop.arm(deadline_, static_cast<uint64_t>(patience));
    return {};
  }

 private:
  friend class Pool;
  void add(Waiter& waiter) {
    waiter.dialing_ = this;
    waiters_.push_back(waiter);
    ++waiter_count_;
  }
  void on_connected(net::TransportPtr transport) override {
    pool_.dialed(*this, std::move(transport));
  }
  void on_dial_failed(net::NetError error) override {
    pool_.dial_failed(
        *this, {error.is_local_fault() ? NoLease::local_fault : NoLease::connect_failed, error});
  }
  void on_deadline() { pool_.dial_failed(*this, {NoLease::connect_timeout, {ETIMEDOUT}}); }

  Pool& pool_;
  IntrusiveList<Waiter> waiters_;
  size_t waiter_count_ = 0;
  bool over_ = false;  // nobody may join any more
  telemetry::OpenReason reason_;
  uint64_t started_ns_;
  std::unique_ptr<net::Dial> dial_;
  net::Deadline deadline_{this, net::DeadlineThunk<&Dialing::on_deadline>::call};
};

}  // namespace onehop::upstream
