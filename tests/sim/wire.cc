// SPDX-License-Identifier: MIT
#include "wire.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace onehop::test {

void Wire::arrive(std::function<void()> what) {
  const uint64_t delay_ns = world_.random.below(world_.weather.delay_us + 1) * 1000;
  last_arrival_ns_ = std::max(last_arrival_ns_, world_.loop.now_ns() + delay_ns);
  world_.loop.at(last_arrival_ns_, std::move(what));
}

void Wire::send(std::string_view bytes) {
  if (far_closed_ || finished_ || far_reset_) return;
  while (!bytes.empty()) {
    size_t size = std::min<size_t>(bytes.size(), 64 * 1024);
    if (world_.random.chance(world_.weather.split))
      size = world_.random.between(1, std::min<size_t>(size, world_.random.chance(300) ? 2 : size));
    arrive([self = shared_from_this(), generation = generation_,
            piece = std::string(bytes.substr(0, size))] {
      if (generation != self->generation_) return;
      if (self->near_closed_) return self->reset_far();
      self->inbox_ += piece;
      self->near_wants_to_read();
    });
    bytes.remove_prefix(size);
  }
}

void Wire::finish() {
  if (std::exchange(finished_, true) || far_reset_) return;
  arrive([self = shared_from_this()] {
    self->fin_arrived_ = true;
    self->near_wants_to_read();
  });
}

void Wire::close() {
  if (far_closed_) return;
  if (!queue_.empty()) return reset();
  finish();
  far_closed_ = true;
}

void Wire::reset() {
  far_closed_ = true;
  reset_near();
}

void Wire::reset_near() {
  if (std::exchange(rst_sent_, true)) return;
  if (world_.random.chance(500)) ++generation_;  // destroys what is on its way
  queue_.clear();
  arrive([self = shared_from_this()] {
    self->rst_arrived_ = true;
    if (self->world_.random.chance(300)) self->inbox_.clear();
    self->near_wants_to_read();
    if (self->near_ != nullptr) self->near_wants_room();
  });
}

void Wire::reset_far() {
  if (std::exchange(far_reset_, true) || far_closed_) return;
  queue_.clear();
  world_.loop.after_us(world_.random.below(world_.weather.delay_us + 1),
                       [self = shared_from_this()] {
                         if (!self->far_closed_) self->far_.on_reset();
                       });
}

size_t Wire::take(std::string_view bytes) {
  const size_t limit = world_.weather.window_bytes;
  size_t size = std::min(bytes.size(), limit > queue_.size() ? limit - queue_.size() : 0);
  if (size > 0 && world_.random.chance(world_.weather.partial_write))
    size = world_.random.below(size);
  queue_.append(bytes.substr(0, size));
  if (far_closed_ && size > 0) {
    queue_.clear();
    reset_near();
  }
  schedule_delivery();
  return size;
}

void Wire::schedule_delivery() {
  if (delivering_ || far_closed_ || far_reset_) return;
  if (queue_.empty() && (!near_finished_ || end_delivered_)) return;
  delivering_ = true;
  const uint64_t delay_us =
      slow_us_ != 0 ? slow_us_ : world_.random.below(world_.weather.delay_us + 1);
  world_.loop.after_us(delay_us, [self = shared_from_this()] {
    self->delivering_ = false;
    self->deliver();
  });
}

void Wire::deliver() {
  if (far_closed_ || far_reset_) return;
  if (queue_.empty()) {
    end_delivered_ = true;
    return far_.on_end();
  }
  size_t size = std::min<size_t>(queue_.size(), slow_us_ != 0 ? 4096 : 64 * 1024);
  if (world_.random.chance(world_.weather.split)) size = world_.random.between(1, size);
  const std::string piece = queue_.substr(0, size);
  queue_.erase(0, size);
  if (room_wanted_) near_wants_room();
  far_.on_bytes(piece);
  schedule_delivery();
}

void Wire::near_wants_room() {
  room_wanted_ = true;
  if (near_ == nullptr) return;
  if (queue_.size() >= world_.weather.window_bytes && !rst_arrived_) return;
  room_wanted_ = false;
  world_.loop.after_us(world_.random.below(world_.weather.delay_us + 1),
                       [self = shared_from_this()] {
                         if (self->near_ != nullptr) self->near_->unblock();
                       });
}

void Wire::near_wants_to_read() {
  if (read_scheduled_ || near_ == nullptr) return;
  if (inbox_.empty() && !fin_arrived_ && !rst_arrived_) return;
  read_scheduled_ = true;
  world_.loop.after_us(0, [self = shared_from_this()] {
    self->read_scheduled_ = false;
    if (self->near_ != nullptr) self->near_->read();
  });
}

void Wire::near_finish() {
  near_finished_ = true;
  schedule_delivery();
}

void Wire::near_close(bool with_reset) {
  near_ = nullptr;
  near_closed_ = true;
  // Closing with unread bytes makes a reset of it, as the kernel does.
  if (with_reset || !inbox_.empty()) return reset_far();
  near_finish();
}

SimTransport::SimTransport(World& world, std::shared_ptr<Wire> wire, int64_t* live)
    : Transport(world.loop), world_(world), wire_(std::move(wire)), live_(live) {
  wire_->attach(*this);
  if (live_ != nullptr) ++*live_;
}

SimTransport::~SimTransport() {
  if (live_ != nullptr) --*live_;
}

void SimTransport::flush() {
  world_.most_unsent = std::max(world_.most_unsent, output_.size());
  if (world_.watches_members()) tell_what_was_said();
  if (write_broken_ || blocked_) return;
  if (wire_->near_broken()) return fail_writing();
  while (!output_.empty()) {
    const std::string_view front = output_.front();
    const size_t wanted = front.size();
    const size_t size = wire_->take(front);
    output_.consume(size);
    written_ += size;
    if (sent_ != nullptr) sent_->add(size);
    if (size == wanted) continue;
    blocked_ = true;
    wire_->near_wants_room();
    if (events_ != nullptr) events_->on_flush(net::Flushed::some);
    return;
  }
  if (std::exchange(finish_wanted_, false)) wire_->near_finish();
  if (events_ != nullptr) events_->on_flush(net::Flushed::all);
}

void SimTransport::tell_what_was_said() {
  const uint64_t said = written_ + output_.size();
  if (said <= told_) return;
  const std::string unsent = output_.to_string();
  wire_->far_.on_said(std::string_view(unsent).substr(told_ - written_));
  told_ = said;
}

// As a socket: what came before is read first, and reading then ends with the error.
void SimTransport::fail_writing() {
  write_broken_ = true;
  output_.clear();
  set_reading(true);
}

void SimTransport::unblock() {
  if (!blocked_) return;
  blocked_ = false;
  loop_.mark_dirty(*this);
}

void SimTransport::set_reading(bool wanted) noexcept {
  reading_ = wanted || write_broken_;
  if (reading_) wire_->near_wants_to_read();
}

void SimTransport::finish_writing() noexcept {
  finish_wanted_ = true;
  loop_.mark_dirty(*this);
}

void SimTransport::read() {
  if (!reading_ || events_ == nullptr) return;
  std::string& inbox = wire_->inbox_;
  if (!inbox.empty()) {
    size_t size = std::min<size_t>(inbox.size(), kLargeChunkBytes);
    if (world_.random.chance(world_.weather.split)) size = world_.random.between(1, size);
    Chunk* chunk = acquire_chunk(kLargeChunkBytes);
    std::memcpy(chunk->bytes(), inbox.data(), size);
    inbox.erase(0, size);
    if (received_ != nullptr) received_->add(size);
    {
      Buffer bytes;
      bytes.append_slice(chunk, 0, size);
      events_->on_bytes(bytes);
    }
    // The next read uses the chunk again, so whoever still looks at it sees rubbish.
    if (chunk->references == 1) std::memset(chunk->bytes(), '#', size);
    release_chunk(chunk);
    return wire_->near_wants_to_read();
  }
  reading_ = false;
  if (wire_->rst_arrived_ || write_broken_) {
    std::exchange(events_, nullptr)->on_error({wire_->rst_arrived_ ? ECONNRESET : EPIPE});
  } else if (wire_->fin_arrived_) {
    events_->on_end();
  }
}

void SimTransport::close() noexcept {
  events_ = nullptr;
  unlink();
  output_.clear();
  wire_->near_close(reset_on_close_);
  loop_.retire(std::unique_ptr<net::Retirable>(this));
}

net::TransportPtr make_transport(World& world, const std::shared_ptr<Wire>& wire, int64_t* live) {
  return net::TransportPtr(new SimTransport(world, wire, live));
}

namespace {

class SimDial final : public net::Dial {
 public:
  explicit SimDial(std::shared_ptr<bool> wanted) : wanted_(std::move(wanted)) {}
  ~SimDial() override { *wanted_ = false; }

 private:
  std::shared_ptr<bool> wanted_;
};

}  // namespace

Result<std::unique_ptr<net::Dial>, net::NetError> SimDialer::dial(const Address& address,
                                                                  net::Dial::Events& events) {
  Random& random = world_.random;
  if (random.chance(world_.weather.no_descriptor))
    return Unexpected<net::NetError>(net::NetError{EMFILE});
  ++begun_;
  auto wanted = std::make_shared<bool>(true);
  const uint64_t delay_us = random.below(world_.weather.delay_us + 1);
  if (random.chance(world_.weather.refused)) {
    world_.loop.after_us(delay_us, [wanted, &events] {
      if (*wanted) events.on_dial_failed({ECONNREFUSED});
    });
  } else if (!random.chance(world_.weather.unanswered)) {
    world_.loop.after_us(delay_us, [this, wanted, &events, port = address.port()] {
      if (!*wanted) return;
      events.on_connected(make_transport(world_, accept_(port), live_));
    });
  }
  return std::unique_ptr<net::Dial>(std::make_unique<SimDial>(wanted));
}

}  // namespace onehop::test
