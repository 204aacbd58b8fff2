// SPDX-License-Identifier: MIT
#pragma once

#include <cerrno>
#include <memory>

#include "onehop/upstream/pool.h"
#include "proxy_dialer.h"

namespace onehop::upstream {

// A dial: for one waiter, or for many where one connection will serve them. It begins at the end of
// the turn, so that a request that is given up in the turn it came in costs no connect.
class Dialing final : public net::Retirable,
                      public net::Dirty,
                      public ListNode<Dialing>,
                      private net::Dial::Events {
 public:
  Dialing(Pool& pool, telemetry::OpenReason reason, const Want& want)
      : pool_(pool),
        reason_(reason),
        upgrade_(want.upgrade),
        patient_(want.patient || want.fresh || want.client != nullptr ||
                 !pool.parts_.reachability.has_alternative()),
        client_(want.client != nullptr ? std::make_unique<const net::ProxyHeader>(*want.client)
                                       : nullptr),
        generation_(pool.generation_) {}

  // The end of the turn.
  void flush() override {
    auto started = start();
    if (!started.has_value() && started.error().is_local_fault() &&
        pool_.parts_.pools.make_room(started.error()))
      started = start();
    if (started.has_value() || may_wait_for_descriptor(started.error())) return;
    const bool local = started.error().is_local_fault();
    pool_.dial_failed(*this,
                      {local ? NoLease::local_fault : NoLease::connect_failed, started.error()});
  }

 private:
  friend class Pool;
  static constexpr unsigned kTriesForDescriptor = 10;
  static constexpr uint64_t kDescriptorWaitMs = 25;

  Result<void, net::NetError> start() {
    started_ns_ = pool_.parts_.loop.now_ns();
    net::Dialer& dialer = upgrade_ ? *pool_.parts_.http1_dialer : pool_.parts_.dialer;
    if (ProxyDialer* const announcer = pool_.parts_.announcer)
      announcer->announce(client_ != nullptr ? *client_ : net::ProxyHeader());
    auto dial = dialer.dial(pool_.parts_.address, *this);
    if (!dial.has_value()) return Unexpected<net::NetError>(dial.error());
    dial_ = std::move(*dial);
    const auto patience = pool_.parts_.settings.timeouts.connect.count();
    if (patience > 0) pool_.parts_.loop.arm(deadline_, static_cast<uint64_t>(patience));
    if (!patient_) pool_.parts_.loop.arm(slow_, Pool::kPatienceMs);
    return {};
  }
  // Other workers may have some to spare, and have been asked.
  bool may_wait_for_descriptor(net::NetError error) {
    if (!error.is_want_of_descriptors() || ++tries_ > kTriesForDescriptor) return false;
    pool_.parts_.loop.arm(again_, kDescriptorWaitMs);
    return true;
  }
  void forget() noexcept {
    static_cast<ListNode<net::Dirty>&>(*this).unlink();
    static_cast<ListNode<Dialing>&>(*this).unlink();
    deadline_.disarm();
    slow_.disarm();
    again_.disarm();
    dial_.reset();
  }
  void add(Pool::Waiter& waiter) {
    waiter.dialing_ = this;
    waiters_.push_back(waiter);
    ++waiter_count_;
  }
  void on_again() { pool_.parts_.loop.mark_dirty(*this); }
  void on_reached() override {
    deadline_.disarm();
    slow_.disarm();
  }
  void on_connected(net::TransportPtr transport) override {
    pool_.dialed(*this, std::move(transport));
  }
  void on_dial_failed(net::NetError error) override {
    pool_.dial_failed(*this, {why_not(error), error});
  }
  void on_slow() { pool_.pass_over(*this); }
  void on_deadline() { pool_.dial_failed(*this, {NoLease::connect_timeout, {ETIMEDOUT}}); }

  // A handshake, too, ends with ETIMEDOUT where its own deadline is over.
  static NoLease why_not(net::NetError error) {
    if (error.is_local_fault()) return NoLease::local_fault;
    return error.number == ETIMEDOUT ? NoLease::connect_timeout : NoLease::connect_failed;
  }

  Pool& pool_;
  IntrusiveList<Pool::Waiter> waiters_;
  size_t waiter_count_ = 0;
  bool over_ = false;  // nobody may join any more
  telemetry::OpenReason reason_;
  bool passed_over_ = false;  // it goes on with nobody who waits, or with who came back
  bool upgrade_;              // for one waiter, who must have HTTP/1.1
  bool patient_;              // it is never passed over
  std::unique_ptr<const net::ProxyHeader> client_;  // see Want
  uint64_t generation_;
  unsigned tries_ = 0;  // that found no descriptor
  uint64_t started_ns_ = 0;
  std::unique_ptr<net::Dial> dial_;
  net::Deadline deadline_{this, net::DeadlineThunk<&Dialing::on_deadline>::call};
  net::Deadline slow_{this, net::DeadlineThunk<&Dialing::on_slow>::call};
  net::Deadline again_{this, net::DeadlineThunk<&Dialing::on_again>::call};
};

}  // namespace onehop::upstream
