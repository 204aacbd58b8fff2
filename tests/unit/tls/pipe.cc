// SPDX-License-Identifier: MIT
#include "pipe.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace onehop::tls {

std::pair<net::TransportPtr, net::TransportPtr> PipeEnd::pair(HandLoop& loop,
                                                              const PipeRules& rules) {
  auto* one = new PipeEnd(loop, rules);
  auto* other = new PipeEnd(loop, rules);
  one->peer_ = other;
  other->peer_ = one;
  return {net::TransportPtr(one), net::TransportPtr(other)};
}

void PipeEnd::flush() {
  if (blocked_) return;
  most_unsent = std::max(most_unsent, output_.size());
  if (peer_ == nullptr) return output_.clear();
  while (!output_.empty()) {
    const std::string_view front = output_.front();
    const size_t room = rules_.window_bytes - std::min(rules_.window_bytes, peer_->inbox_.size());
    const size_t size = std::min(room, front.size());
    const size_t wanted = front.size();
    peer_->inbox_.append(front.substr(0, size));
    output_.consume(size);
    written_ += size;
    peer_->wake();
    if (size == wanted) continue;
    blocked_ = true;
    if (events_ != nullptr) events_->on_flush(net::Flushed::some);
    return;
  }
  if (finish_wanted_ && !std::exchange(finished_, true)) {
    peer_->peer_finished_ = true;
    peer_->wake();
  }
  if (events_ != nullptr) events_->on_flush(net::Flushed::all);
}

void PipeEnd::unblock() {
  if (!std::exchange(blocked_, false)) return;
  hand_.later([this, alive = alive_] {
    if (*alive) loop_.mark_dirty(*this);
  });
}

void PipeEnd::set_reading(bool wanted) noexcept {
  reading_ = wanted;
  wake();
}

void PipeEnd::finish_writing() noexcept {
  finish_wanted_ = true;
  loop_.mark_dirty(*this);
}

void PipeEnd::wake() {
  if (!reading_ || woken_) return;
  woken_ = true;
  hand_.later([this, alive = alive_] {
    if (*alive) read();
  });
}

void PipeEnd::read() {
  woken_ = false;
  if (!reading_ || events_ == nullptr) return;
  if (!inbox_.empty()) {
    const size_t most = std::min(inbox_.size(), rules_.most_read);
    const size_t size = hand_.random() % 4 == 0 ? 1 + hand_.random() % most : most;
    Buffer bytes;
    bytes.append(std::string_view(inbox_).substr(0, size));
    inbox_.erase(0, size);
    if (peer_ != nullptr) peer_->unblock();
    events_->on_bytes(bytes);
    return wake();
  }
  if (!peer_reset_ && !peer_finished_) return;
  reading_ = false;
  if (peer_reset_) {
    std::exchange(events_, nullptr)->on_error({ECONNRESET});
  } else {
    events_->on_end();
  }
}

void PipeEnd::close() noexcept {
  events_ = nullptr;
  unlink();
  output_.clear();
  if (peer_ != nullptr) {
    (reset_ ? peer_->peer_reset_ : peer_->peer_finished_) = true;
    peer_->peer_ = nullptr;
    peer_->unblock();
    peer_->wake();
  }
  loop_.retire(std::unique_ptr<net::Retirable>(this));
}

namespace {

class PipeDial final : public net::Dial {
 public:
  explicit PipeDial(std::shared_ptr<bool> wanted) : wanted_(std::move(wanted)) {}
  ~PipeDial() override { *wanted_ = false; }

 private:
  std::shared_ptr<bool> wanted_;
};

}  // namespace

Result<std::unique_ptr<net::Dial>, net::NetError> PipeDialer::dial(const Address&,
                                                                   net::Dial::Events& events) {
  auto wanted = std::make_shared<bool>(true);
  loop_.later([this, wanted, &events] {
    if (!*wanted) return;
    if (refused != 0) return events.on_dial_failed({refused});
    auto ends = PipeEnd::pair(loop_, rules);
    accept_(std::move(ends.second));
    events.on_connected(std::move(ends.first));
  });
  return std::unique_ptr<net::Dial>(std::make_unique<PipeDial>(std::move(wanted)));
}

}  // namespace onehop::tls
