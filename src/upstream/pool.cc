// SPDX-License-Identifier: MIT
#include "onehop/upstream/pool.h"

#include <algorithm>
#include <utility>

#include "dialing.h"
#include "onehop/base/assert.h"
#include "onehop/upstream/bond.h"
#include "pooled_connection.h"

namespace onehop::upstream {
namespace {

// Requests that wait for one dial, where its connection is expected to carry them all.
constexpr size_t kMostPerDial = 100;

}  // namespace

using telemetry::Closer;
using telemetry::OpenReason;

size_t Pools::evict_idle() {
  size_t count = 0;
  list_.for_each([&](Pool& pool) { count += pool.discard_idle(OpenReason::evicted); });
  return count;
}

bool Pools::make_room(net::NetError error) {
  if (evict_idle() > 0) return true;
  return error.is_want_of_descriptors() && relief_ != nullptr && relief_->make_room();
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

Pool::Pool(const Parts& parts)
    : parts_(parts),
      chance_(parts.seed),
      multiplexes_(parts.protocol == config::UpstreamProtocol::h2) {
  parts_.pools.list_.push_back(*this);
}

Pool::~Pool() {
  ONEHOP_ASSERT(lent_.empty() && bound_.empty() && queue_.empty());
  discard_idle(OpenReason::evicted);
  end_passed_over();
  ONEHOP_ASSERT(dialing_.empty());
}

Pool::Acquired Pool::acquire(Waiter& waiter, Want want) {
  waiter.pool_ = this;
  want.upgrade = want.upgrade && parts_.http1_dialer != nullptr;
  waiter.want_ = want;
  if (leaving_) return LeaseError{NoLease::leaving, {}};
  if (want.bond != nullptr) return want.bond->lend();
  if (PooledConnection* found = ready(want)) return lend(*found);
  Dialing* const slow = slow_dial(want);
  if (slow != nullptr && !want.patient) return LeaseError{NoLease::slow, {}};
  if (Dialing* const under_way = slow != nullptr ? slow : joinable(want)) {
    under_way->add(waiter);
    return Waiting::for_dial;
  }
  const auto outcome = open_for(waiter);
  if (const auto* error = std::get_if<LeaseError>(&outcome)) return *error;
  return std::get<Waiting>(outcome);
}

// The dial under way whose connection is expected to carry the request, too.
Dialing* Pool::joinable(Want want) {
  if (!multiplexes_ || !parts_.settings.pool.reuse || want.fresh || want.upgrade) return nullptr;
  Dialing* newest = dialing_.back();
  if (want.client != nullptr) {
    newest = nullptr;
    dialing_.for_each([&](Dialing& one) {
      if (one.client_ != nullptr && *one.client_ == *want.client) newest = &one;
    });
  }
  const bool fit = newest != nullptr && !newest->over_ && !newest->upgrade_ &&
                   newest->generation_ == generation_ &&
                   newest->waiter_count_ < std::min<uint64_t>(kMostPerDial, endurance_.requests());
  return fit ? newest : nullptr;
}

// A dial, or where there are as many connections as may be, a place in the queue.
std::variant<Waiting, LeaseError> Pool::open_for(Waiter& waiter) {
  serve_queue();  // time alone may have made room
  const Want& want = waiter.want_;
  const bool gated =
      want.young && idle_count_ > 0 && !want.fresh && !want.upgrade && want.client == nullptr;
  // What is idle is not what is wanted.
  if (is_full() && idle_count_ > 0) lost_idle(*oldest_idle(), OpenReason::evicted, Closer::onehop);
  if (!is_full()) {
    dial(waiter, gated ? OpenReason::gate : why_open(want));
    return Waiting::for_dial;
  }
  if (queue_length_ >= parts_.settings.pool.max_queue) {
    parts_.counters.queue_rejected.add();
    return LeaseError{NoLease::queue_full, {}};
  }
  queue_.push_back(waiter);
  ++queue_length_;
  parts_.counters.queued.add(1);
  const auto patience = parts_.settings.pool.queue_timeout.count();
  if (patience > 0) parts_.loop.arm(waiter.deadline_, static_cast<uint64_t>(patience));
  return Waiting::in_queue;
}

bool Pool::is_full() {
  const size_t most = parts_.settings.max_connections;
  return most != 0 && open_ + dialing_count_ >= most && counted() + dialing_count_ >= most;
}

size_t Pool::counted() {
  size_t count = open_;
  const auto look_at = [&](const PooledConnection& connection) { count -= connection.leaving(); };
  ready_.for_each(look_at);
  if (multiplexes_) lent_.for_each(look_at);
  return count;
}

// The newest connection with a stream to spare. Those that turn out to have none are put aside.
PooledConnection* Pool::ready(Want want) {
  while (PooledConnection* found = newest(want)) {
    if (want.young && found->is_old()) return nullptr;  // and so are those behind it
    if (found->lendable()) return found;
    if (found->streams_ > 0) {
      lent_.push_back(*found);
    } else {
      lost_idle(*found, found->worn_out().value_or(OpenReason::not_persistent), Closer::onehop);
    }
  }
  return nullptr;
}

PooledConnection* Pool::newest(Want want) {
  if (want.fresh) return nullptr;
  if (!want.upgrade && want.client == nullptr) return ready_.back();
  PooledConnection* found = nullptr;
  ready_.for_each([&](PooledConnection& connection) {
    if (connection.suits(want)) found = &connection;
  });
  return found;
}

// Whoever has waited longest of those whom the connection can serve.
Pool::Waiter* Pool::first_for(PooledConnection& connection) {
  Waiter* first = queue_.front();
  if (first == nullptr || connection.suits(first->want_)) return first;
  first = nullptr;
  queue_.for_each([&](Waiter& waiter) {
    if (first == nullptr && connection.suits(waiter.want_)) first = &waiter;
  });
  return first;
}

Lease Pool::lend(PooledConnection& connection) {
  if (connection.streams_++ == 0) {
    connection.lent_after_ms_ = connection.rested_ms();
    connection.idle_deadline_.disarm();
    --idle_count_;
    parts_.counters.idle.add(-1);
  }
  parts_.counters.reused.add();
  ++connection.requests_;
  if (!connection.connection_->multiplexed() || connection.worn_out()) lent_.push_back(connection);
  return Lease(connection, true);
}

// Why the pool has nothing to lend: the latest of what it lost, else that all it has is in use,
// else that it has nothing yet.
OpenReason Pool::why_open(Want want) {
  if (want.fresh) return OpenReason::retry;
  if (!parts_.settings.pool.reuse) return OpenReason::reuse_off;
  if (want.upgrade) return OpenReason::upgrade;
  if (want.client != nullptr && idle_count_ > 0) return OpenReason::other_client;
  if (gone_count_ > 0) return gone_[--gone_count_];
  return open_ + dialing_count_ > 0 ? OpenReason::all_busy : OpenReason::cold;
}

uint64_t Pool::age_limit_ms() {
  const auto limit = static_cast<uint64_t>(parts_.settings.pool.max_age.count());
  return limit == 0 ? UINT64_MAX : parts_.loop.now_ms() + chance_.around(limit, 5);
}

// Takes a waiter out, whatever it waits for, and lets the next one use the room.
void Pool::leave(Waiter& waiter) noexcept {
  waiter.deadline_.disarm();
  waiter.unlink();
  auto* dialing = std::exchange(waiter.dialing_, nullptr);
  if (dialing == nullptr) {
    --queue_length_;
    parts_.counters.queued.add(-1);
    return;
  }
  if (--dialing->waiter_count_ > 0 || dialing->passed_over_) return;
  if (!dialing->over_ && dialing->dial_ != nullptr) parts_.counters.dials_given_up.add();
  end(*dialing);
}

void Pool::queue_timed_out(Waiter& waiter) {
  leave(waiter);
  parts_.counters.queue_rejected.add();
  waiter.on_no_lease({NoLease::queue_timeout, {}});
}

// Somebody gave up a place: whoever waits first may dial.
void Pool::serve_queue() {
  while (!queue_.empty() && !is_full()) {
    Waiter& waiter = *queue_.front();
    leave(waiter);
    dial(waiter, why_open(waiter.want_));
    waiter.on_dialing();
  }
}

void Pool::give_back(PooledConnection& connection, http::ClientStream* stream) {
  const http::StreamEnd end = stream != nullptr ? connection.connection_->close_stream(*stream)
                                                : http::StreamEnd::not_drained;
  const Closer who = connection.connection_->closer();
  if (--connection.streams_ > 0) {
    // Others use it on.
    if (end != http::StreamEnd::reusable) lent_.push_back(connection);
    return serve(connection);
  }
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

// A connection of many streams may have one to spare: for whoever waits, or for whoever comes.
void Pool::serve(PooledConnection& connection) {
  if (!connection.connection_->multiplexed()) return;
  if (connection.lendable()) ready_.push_back(connection);
  while (connection.lendable()) {
    Waiter* waiter = first_for(connection);
    if (waiter == nullptr) break;
    leave(*waiter);
    waiter->on_lease(lend(connection));
  }
  if (connection.leaving()) return serve_queue();
  if (connection.streams_ == 0 && !queue_.empty())  // its place is what is waited for
    lost_idle(connection, OpenReason::evicted, Closer::onehop);
}

void Pool::remember_loss(OpenReason reason) {
  if (gone_count_ == gone_.size()) {
    std::move(gone_.begin() + 1, gone_.end(), gone_.begin());
    --gone_count_;
  }
  gone_[gone_count_++] = reason;
}

void Pool::discard(PooledConnection& connection, OpenReason reason, Closer who) {
  connection.idle_deadline_.disarm();
  parts_.counters.closed.add(static_cast<size_t>(who));
  parts_.counters.open.add(-1);
  --open_;
  if (connection.bond_ != nullptr) connection.bond_->lose();
  // One that was there for an upgrade or for one client alone is missed by nobody.
  if (connection.connection_->multiplexed() == multiplexes_ && !connection.is_bound_ &&
      connection.client_ == nullptr)
    remember_loss(reason);
  if (connection.refused_ == 0) endurance_.held(connection.requests_);
  connection.unlink();
  connection.connection_->abandon();
  parts_.loop.retire(std::unique_ptr<PooledConnection>(&connection));
  serve_queue();
}

void Pool::begin_anew() {
  ++generation_;
  discard_idle(OpenReason::certificates_renewed);
  while (PooledConnection* at_rest = bound_.front())
    discard(*at_rest, OpenReason::certificates_renewed, Closer::onehop);
  serve_queue();
}

void Pool::leave() {
  leaving_ = true;
  const auto refuse = [this](Waiter& waiter) {
    leave(waiter);
    waiter.on_no_lease({NoLease::leaving, {}});
  };
  while (Waiter* const waiter = queue_.front()) refuse(*waiter);
  end_passed_over();
  while (Dialing* const dialing = dialing_.front()) refuse(*dialing->waiters_.front());
  discard_idle(OpenReason::evicted);
  while (PooledConnection* at_rest = bound_.front())
    discard(*at_rest, OpenReason::evicted, Closer::onehop);
  lent_.for_each([](PooledConnection& connection) {
    if (connection.bond_ != nullptr) connection.bond_->lose();
  });
}

void Pool::reconfigured() {
  const size_t most_idle = parts_.settings.pool.reuse ? parts_.settings.pool.max_idle : 0;
  const size_t most = parts_.settings.max_connections;
  while (idle_count_ > most_idle || (idle_count_ > 0 && most != 0 && open_ > most))
    lost_idle(*oldest_idle(), OpenReason::evicted, Closer::onehop);
  serve_queue();
}

std::optional<OpenReason> PooledConnection::why_worn_out() const {
  const config::Pool& config = pool_.parts_.settings.pool;
  if (pool_.leaving_) return OpenReason::evicted;
  if (is_bound_ && connection_->multiplexed()) return OpenReason::bound;
  if (!config.reuse) return OpenReason::reuse_off;
  if (generation_ != pool_.generation_) return OpenReason::certificates_renewed;
  if (config.max_requests != 0 && requests_ >= config.max_requests) return OpenReason::max_requests;
  if (requests_ >= pool_.endurance_.requests()) return OpenReason::max_requests;
  if (pool_.parts_.loop.now_ms() >= expires_ms_) return OpenReason::max_age;
  return std::nullopt;
}

}  // namespace onehop::upstream
