// SPDX-License-Identifier: MIT
#include <utility>
#include <vector>

#include "onehop/upstream/bond.h"
#include "onehop/upstream/pool.h"
#include "pooled_connection.h"

namespace onehop::upstream {

Lease::Lease(Lease&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)),
      stream_(other.stream_),
      reused_(other.reused_) {}

Lease& Lease::operator=(Lease&& other) noexcept {
  if (this != &other) {
    release();
    connection_ = std::exchange(other.connection_, nullptr);
    stream_ = other.stream_;
    reused_ = other.reused_;
  }
  return *this;
}

bool Lease::multiplexed() const noexcept {
  return connection_ != nullptr && connection_->connection_->multiplexed();
}

uint64_t Lease::age_ms() const noexcept {
  return connection_->pool_.parts_.loop.now_ms() - connection_->opened_ms_;
}

http::ClientStream& Lease::open_stream(http::ClientStream::Events& events) {
  stream_ = &connection_->connection_->open_stream(events);
  return *stream_;
}

// A connection that goes on refuses for another reason than its age.
void Lease::turned_away() {
  const uint64_t refused = ++connection_->refused_;
  if (connection_->connection_->takes_no_more())
    connection_->pool_.endurance_.ended_after(connection_->requests_ - refused);
}

void Lease::was_closed() {
  connection_->closed_after(connection_->lent_after_ms_);
}

void Lease::release() {
  if (PooledConnection* connection = std::exchange(connection_, nullptr))
    connection->pool_.give_back(*connection, std::exchange(stream_, nullptr));
}

// Whoever is told gives back what it had, and what is lost is destroyed when the turn ends.
void Pool::cut() {
  std::vector<PooledConnection*> in_use;
  for (auto* const list : {&ready_, &lent_}) {
    list->for_each([&](PooledConnection& connection) {
      if (connection.streams_ > 0) in_use.push_back(&connection);
    });
  }
  for (PooledConnection* const connection : in_use) {
    if (connection->linked()) connection->connection_->cut();
  }
}

std::unique_ptr<Bond> Lease::bind() {
  if (connection_ == nullptr || std::exchange(connection_->is_bound_, true)) return nullptr;
  connection_->pool_.remember_loss(telemetry::OpenReason::bound);
  if (multiplexed()) return nullptr;
  return std::make_unique<Bond>(*connection_);
}

}  // namespace onehop::upstream
