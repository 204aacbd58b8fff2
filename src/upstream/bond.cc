// SPDX-License-Identifier: MIT
#include "onehop/upstream/bond.h"

#include <utility>

#include "pooled_connection.h"

namespace onehop::upstream {

using telemetry::Closer;
using telemetry::OpenReason;

Bond::Bond(PooledConnection& connection) : connection_(&connection) {
  connection.bond_ = this;
}

Bond::~Bond() {
  if (connection_ == nullptr) return;
  connection_->bond_ = nullptr;
  // Whoever uses it still gives it back later.
  if (connection_->streams_ == 0)
    connection_->pool_.discard(*connection_, OpenReason::bound, Closer::onehop);
}

bool Bond::ready() const noexcept {
  return connection_ != nullptr && connection_->streams_ == 0;
}

void Bond::lose() noexcept {
  std::exchange(connection_, nullptr)->bond_ = nullptr;
}

Lease Bond::lend() {
  PooledConnection& connection = *connection_;
  Pool& pool = connection.pool_;
  connection.lent_after_ms_ = connection.rested_ms();
  connection.idle_deadline_.disarm();
  ++connection.streams_;
  ++connection.requests_;
  pool.parts_.counters.reused.add();
  pool.lent_.push_back(connection);
  return Lease(connection, true);
}

// Neither `reuse = false` nor max_requests ends it: the first is about what the pool lends, and the
// second would come between the legs of a handshake.
void Bond::rest(PooledConnection& connection) {
  Pool& pool = connection.pool_;
  const auto worn_out = connection.worn_out();
  const bool too_old =
      worn_out == OpenReason::max_age || worn_out == OpenReason::certificates_renewed;
  if (pool.leaving_) return pool.discard(connection, OpenReason::evicted, Closer::onehop);
  const int64_t idle_ms = pool.idle_ms_of(connection);
  if (connection.bond_ == nullptr)
    return pool.discard(connection, OpenReason::bound, Closer::onehop);
  if (too_old) return pool.discard(connection, *worn_out, Closer::onehop);
  if (idle_ms < 0) return pool.discard(connection, OpenReason::not_persistent, Closer::onehop);
  connection.idle_since_ms_ = pool.parts_.loop.now_ms();
  connection.idle_limit_ms_ = static_cast<uint64_t>(idle_ms);
  pool.bound_.push_back(connection);
  if (idle_ms > 0) pool.parts_.loop.arm(connection.idle_deadline_, static_cast<uint64_t>(idle_ms));
}

}  // namespace onehop::upstream
