// SPDX-License-Identifier: MIT
#include "onehop/upstream/pool.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "onehop/base/assert.h"
#include "onehop/base/log.h"
#include "onehop/http/h1.h"
#include "pooled_connection.h"

namespace onehop::upstream {
namespace {

constexpr uint64_t kLogEveryMs = 10'000;

}  // namespace

using telemetry::Closer;
using telemetry::OpenReason;

// A dial for one waiter.
class Pool::Dialing final : public net::Retirable,
                            public ListNode<Dialing>,
                            private net::Dial::Events {
 public:
  Dialing(Pool& pool, Waiter& waiter, OpenReason reason)
      : pool_(pool), waiter_(&waiter), reason_(reason), started_ns_(pool.parts_.loop.now_ns()) {}

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
  void on_connected(net::TransportPtr transport) override {
    pool_.dialed(*this, std::move(transport));
  }
  void on_dial_failed(net::NetError error) override {
    pool_.dial_failed(
        *this, {error.is_local_fault() ? NoLease::local_fault : NoLease::connect_failed, error});
  }
  void on_deadline() { pool_.dial_failed(*this, {NoLease::connect_timeout, {ETIMEDOUT}}); }

  Pool& pool_;
  Waiter* waiter_;
  OpenReason reason_;
  uint64_t started_ns_;
  std::unique_ptr<net::Dial> dial_;
  net::Deadline deadline_{this, net::DeadlineThunk<&Dialing::on_deadline>::call};
};

Lease::Lease(Lease&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)), reused_(other.reused_) {}

Lease& Lease::operator=(Lease&& other) noexcept {
  if (this != &other) {
    release();
    connection_ = std::exchange(other.connection_, nullptr);
    reused_ = other.reused_;
  }
  return *this;
}

http::ClientStream& Lease::open_stream(http::ClientStream::Events& events) {
  return connection_->connection_->open_stream(events);
}

void Lease::release() {
  if (PooledConnection* connection = std::exchange(connection_, nullptr))
    connection->pool_.give_back(*connection);
}

size_t Pools::evict_idle() {
  size_t count = 0;
  list_.for_each([&](Pool& pool) { count += pool.discard_idle(OpenReason::evicted); });
  return count;
}

void Pool::Waiter::leave() noexcept {
  if (!waiting()) return;
  const bool dialing = dialing_ != nullptr;
  pool_->leave(*this);
  if (dialing) pool_->serve_queue();
}

void Pool::Waiter::on_queue_deadline() {
  pool_->queue_timed_out(*this);
}

Pool::Pool(const Parts& parts) : parts_(parts), random_(parts.seed | 1) {
  parts_.pools.list_.push_back(*this);
}

Pool::~Pool() {
  ONEHOP_ASSERT(lent_.empty() && queue_.empty());
  discard_idle(OpenReason::evicted);
  ONEHOP_ASSERT(dialing_.empty());
}

Pool::Acquired Pool::acquire(Waiter& waiter, Want want) {
  waiter.pool_ = this;
  waiter.want_ = want;
  while (want == Want::any && !idle_.empty()) {
    PooledConnection& newest = *idle_.back();
    if (parts_.loop.now_ms() < newest.expires_ms_) return lend(newest);
    lost_idle(newest, OpenReason::max_age, Closer::onehop);
  }
  if (parts_.max_connections != 0 && open_ + dialing_count_ >= parts_.max_connections &&
      idle_.empty()) {
    if (queue_length_ >= parts_.config.max_queue) {
      parts_.counters.queue_rejected.add();
      return LeaseError{NoLease::queue_full, {}};
    }
    queue_.push_back(waiter);
    ++queue_length_;
    parts_.counters.queued.add(1);
    const auto patience = parts_.config.queue_timeout.count();
    if (patience > 0) parts_.loop.arm(waiter.deadline_, static_cast<uint64_t>(patience));
    return Waiting::in_queue;
  }
  const auto outcome = dial(waiter, why_open(want));
  if (const auto* error = std::get_if<LeaseError>(&outcome)) return *error;
  return std::get<Waiting>(outcome);
}

Lease Pool::lend(PooledConnection& connection) {
  connection.idle_deadline_.disarm();
  lent_.push_back(connection);
  --idle_count_;
  parts_.counters.idle.add(-1);
  parts_.counters.reused.add();
  ++connection.requests_;
  return Lease(connection, true);
}

// Why the pool has nothing to lend: the latest of what it lost, else that all it has is in use,
// else that it has nothing yet.
OpenReason Pool::why_open(Want want) {
  if (want == Want::fresh) return OpenReason::retry;
  if (!parts_.config.reuse) return OpenReason::reuse_off;
  if (gone_count_ > 0) return gone_[--gone_count_];
  return open_ + dialing_count_ > 0 ? OpenReason::all_busy : OpenReason::cold;
}

std::variant<Waiting, LeaseError> Pool::dial(Waiter& waiter, OpenReason reason) {
  auto dialing = std::make_unique<Dialing>(*this, waiter, reason);
  auto started = dialing->start();
  if (!started.has_value() && started.error().is_local_fault() && parts_.pools.evict_idle() > 0)
    started = dialing->start();
  if (!started.has_value()) {
    const bool local = started.error().is_local_fault();
    return dial_error({local ? NoLease::local_fault : NoLease::connect_failed, started.error()});
  }
  waiter.dialing_ = dialing.get();
  ++dialing_count_;
  parts_.counters.connecting.add(1);
  dialing_.push_back(*dialing.release());
  return Waiting::for_dial;
}

// xorshift64: the jitter needs no better.
uint64_t Pool::age_limit_ms() {
  const auto limit = static_cast<uint64_t>(parts_.config.max_age.count());
  if (limit == 0) return UINT64_MAX;
  random_ ^= random_ << 13;
  random_ ^= random_ >> 7;
  random_ ^= random_ << 17;
  return parts_.loop.now_ms() + limit - limit / 5 + random_ % (limit / 5 * 2 + 1);
}

void Pool::dialed(Dialing& dialing, net::TransportPtr transport) {
  Waiter& waiter = *dialing.waiter_;
  parts_.counters.opened.add(static_cast<size_t>(dialing.reason_));
  parts_.counters.open.add(1);
  parts_.counters.dial.record(parts_.loop.now_ns() - dialing.started_ns_);
  leave(waiter);
  ++open_;
  if (std::exchange(unreachable_, false)) {
    log::info(
        fmt::format("upstream {}: {} is reached again", parts_.name, parts_.address.to_string()));
  }
  auto connection = std::make_unique<PooledConnection>(*this, age_limit_ms());
  connection->attach(parts_.loop, std::move(transport), parts_.limits, parts_.counters);
  connection->requests_ = 1;
  lent_.push_back(*connection);
  waiter.on_lease(Lease(*connection.release(), false));
}

void Pool::dial_failed(Dialing& dialing, const LeaseError& error) {
  Waiter& waiter = *dialing.waiter_;
  leave(waiter);
  waiter.on_no_lease(dial_error(error));
  serve_queue();
}

// Counts a failed dial. The log has a line when an endpoint goes, not for each request, and at most
// one in kLogEveryMs where dials to it succeed and fail in turn.
LeaseError Pool::dial_error(const LeaseError& error) {
  const bool local = error.why == NoLease::local_fault;
  (local ? parts_.counters.local_faults : parts_.counters.connect_failed).add();
  const uint64_t now = parts_.loop.now_ms();
  if (!local && !unreachable_ && now >= log_again_ms_) {
    unreachable_ = true;
    log_again_ms_ = now + kLogEveryMs;
    log::warning(fmt::format("upstream {}: {} cannot be reached: {}", parts_.name,
                             parts_.address.to_string(), error.network.sentence()));
  }
  return error;
}

// Takes a waiter out, whatever it waits for, and lets the next one use the room.
void Pool::leave(Waiter& waiter) noexcept {
  waiter.deadline_.disarm();
  if (waiter.linked()) {
    waiter.unlink();
    --queue_length_;
    parts_.counters.queued.add(-1);
    return;
  }
  auto* dialing = static_cast<Dialing*>(std::exchange(waiter.dialing_, nullptr));
  dialing->unlink();
  dialing->deadline_.disarm();
  dialing->dial_.reset();
  --dialing_count_;
  parts_.counters.connecting.add(-1);
  parts_.loop.retire(std::unique_ptr<Dialing>(dialing));
}

void Pool::queue_timed_out(Waiter& waiter) {
  leave(waiter);
  parts_.counters.queue_rejected.add();
  waiter.on_no_lease({NoLease::queue_timeout, {}});
}

// Somebody gave up a place: whoever waits first may dial.
void Pool::serve_queue() {
  while (!queue_.empty() && open_ + dialing_count_ < parts_.max_connections) {
    Waiter& waiter = *queue_.front();
    leave(waiter);
    const auto outcome = dial(waiter, why_open(waiter.want_));
    if (const auto* error = std::get_if<LeaseError>(&outcome)) {
      waiter.on_no_lease(*error);
    } else {
      waiter.on_dialing();
    }
  }
}

void Pool::give_back(PooledConnection& connection) {
  const http::StreamEnd end = connection.connection_->close_stream();
  const Closer who = connection.connection_->closer();
  switch (end) {
    case http::StreamEnd::reusable:
      return keep(connection);
    case http::StreamEnd::not_persistent:
      return discard(connection, OpenReason::not_persistent, who);
    case http::StreamEnd::not_drained:
      return discard(connection, OpenReason::not_drained, who);
    case http::StreamEnd::broken:
      return discard(connection, OpenReason::broken, who);
  }
}

void Pool::keep(PooledConnection& connection) {
  const config::Pool& config = parts_.config;
  if (!config.reuse) return discard(connection, OpenReason::reuse_off, Closer::onehop);
  if (config.max_requests != 0 && connection.requests_ >= config.max_requests) {
    return discard(connection, OpenReason::max_requests, Closer::onehop);
  }
  if (parts_.loop.now_ms() >= connection.expires_ms_)
    return discard(connection, OpenReason::max_age, Closer::onehop);
  int64_t idle_ms = config.idle_timeout.count();
  if (const int64_t hint = connection.connection_->keep_alive_seconds(); hint >= 0) {
    idle_ms = std::min(idle_ms, hint * 1000 - config.keep_alive_margin.count());
    if (idle_ms <= 0) return discard(connection, OpenReason::not_persistent, Closer::onehop);
  }
  connection.unlink();
  idle_.push_back(connection);
  ++idle_count_;
  parts_.counters.idle.add(1);
  if (Waiter* waiter = queue_.front(); waiter != nullptr && waiter->want_ == Want::fresh) {
    return lost_idle(connection, OpenReason::evicted,
                     Closer::onehop);  // its place is what is waited for
  } else if (waiter != nullptr) {
    leave(*waiter);
    return waiter->on_lease(lend(connection));
  }
  if (idle_count_ > config.max_idle) lost_idle(*idle_.front(), OpenReason::evicted, Closer::onehop);
  if (idle_ms > 0 && connection.linked())
    parts_.loop.arm(connection.idle_deadline_, static_cast<uint64_t>(idle_ms));
}

void Pool::discard(PooledConnection& connection, OpenReason reason, Closer who) {
  connection.idle_deadline_.disarm();
  parts_.counters.closed.add(static_cast<size_t>(who));
  parts_.counters.open.add(-1);
  --open_;
  if (gone_count_ == gone_.size()) {
    std::move(gone_.begin() + 1, gone_.end(), gone_.begin());
    --gone_count_;
  }
  gone_[gone_count_++] = reason;
  connection.unlink();
  connection.connection_->abandon();
  parts_.loop.retire(std::unique_ptr<PooledConnection>(&connection));
  serve_queue();
}

void Pool::lost_idle(PooledConnection& connection, OpenReason reason, Closer who) {
  --idle_count_;
  parts_.counters.idle.add(-1);
  discard(connection, reason, who);
}

size_t Pool::discard_idle(OpenReason reason) {
  size_t count = 0;
  for (; !idle_.empty(); ++count) lost_idle(*idle_.front(), reason, Closer::onehop);
  return count;
}

void PooledConnection::attach(net::Loop& loop, net::TransportPtr transport,
                              const config::Limits& limits, telemetry::EndpointShard& counters) {
  connection_ = http::h1::connect(loop, std::move(transport), limits, counters, *this);
}

void PooledConnection::on_idle_end(http::ClientConnection&, http::Violation why) {
  pool_.lost_idle(*this, OpenReason::peer_closed_idle,
                  why == http::Violation::surplus ? Closer::error : Closer::peer);
}

void PooledConnection::on_idle_deadline() {
  pool_.lost_idle(*this, OpenReason::idle_expired, Closer::onehop);
}

}  // namespace onehop::upstream
