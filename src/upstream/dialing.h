// SPDX-License-Identifier: MIT
#pragma once

#include <cerrno>

#include "onehop/upstream/pool.h"

namespace onehop::upstream {

// Lines in the log about one endpoint that fails and fails are no closer together.
constexpr uint64_t kLogEveryMs = 10'000;

// A dial: for one waiter, or for many where one connection will serve them.
class Pool::Dialing final : public net::Retirable,
                            public ListNode<Dialing>,
                            private net::Dial::Events {
 public:
  Dialing(Pool& pool, telemetry::OpenReason reason, bool upgrade)
      : pool_(pool),
        reason_(reason),
        upgrade_(upgrade),
        generation_(pool.generation_),
        started_ns_(pool.parts_.loop.now_ns()) {}

  Result<void, net::NetError> start() {
    net::Dialer& dialer = upgrade_ ? *pool_.parts_.http1_dialer : pool_.parts_.dialer;
    auto dial = dialer.dial(pool_.parts_.address, *this);
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
  void on_reached() override { deadline_.disarm(); }
  void on_connected(net::TransportPtr transport) override {
    pool_.dialed(*this, std::move(transport));
  }
  void on_dial_failed(net::NetError error) override {
    pool_.dial_failed(*this, {why_not(error), error});
  }
  void on_deadline() { pool_.dial_failed(*this, {NoLease::connect_timeout, {ETIMEDOUT}}); }

  // A handshake, too, ends with ETIMEDOUT where its own deadline is over.
  static NoLease why_not(net::NetError error) {
    if (error.is_local_fault()) return NoLease::local_fault;
    return error.number == ETIMEDOUT ? NoLease::connect_timeout : NoLease::connect_failed;
  }

  Pool& pool_;
  IntrusiveList<Waiter> waiters_;
  size_t waiter_count_ = 0;
  bool over_ = false;  // nobody may join any more
  telemetry::OpenReason reason_;
  bool upgrade_;  // for one waiter, who must have HTTP/1.1
  uint64_t generation_;
  uint64_t started_ns_;
  std::unique_ptr<net::Dial> dial_;
  net::Deadline deadline_{this, net::DeadlineThunk<&Dialing::on_deadline>::call};
};

}  // namespace onehop::upstream
