// SPDX-License-Identifier: MIT
// Two transports, back to back, on a loop that is turned by hand: bytes arrive in pieces of chance,
// the window between them is bounded, and nothing is ever lost. Chance comes from a seed.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <utility>

#include "onehop/net/dialer.h"
#include "onehop/net/loop.h"
#include "onehop/net/transport.h"

namespace onehop::tls {

class HandLoop final : public net::Loop {
 public:
  explicit HandLoop(uint64_t seed) : random(seed) {}
  ~HandLoop() override { destroy_retired(); }

  uint64_t now_ns() const override { return now_ms_ * 1'000'000; }
  uint64_t now_ms() const override { return now_ms_; }

  void later(std::function<void()> event) { events_.push_back(std::move(event)); }

  // One turn; false: nothing happens any more.
  bool turn_once() {
    end_turn();
    if (events_.empty()) return has_work();
    const auto event = std::move(events_.front());
    events_.pop_front();
    event();
    end_turn();
    return true;
  }
  void settle() {
    while (turn_once()) {
    }
  }
  // Lets time pass, and settles.
  void pass_ms(uint64_t by) {
    now_ms_ += by;
    deadlines_.advance(now_ms_);
    settle();
  }

  std::mt19937_64 random;

 private:
  void on_armed(uint64_t) override {}

  std::deque<std::function<void()>> events_;
  uint64_t now_ms_ = 1000;
};

struct PipeRules {
  size_t window_bytes = 64 * 1024;  // on the way, in each direction
  size_t most_read = 64 * 1024;     // bytes that one read brings; 1: byte by byte
};

class PipeEnd final : public net::Transport, public net::Retirable {
 public:
  PipeEnd(HandLoop& loop, const PipeRules& rules) : Transport(loop), hand_(loop), rules_(rules) {}
  ~PipeEnd() override { *alive_ = false; }

  static std::pair<net::TransportPtr, net::TransportPtr> pair(HandLoop& loop,
                                                              const PipeRules& rules = {});

  void flush() override;
  bool write_pending() const noexcept override { return blocked_; }
  uint64_t taken_bytes() const noexcept override { return written_; }
  void acknowledge() noexcept override {}
  void set_reading(bool wanted) noexcept override;
  void finish_writing() noexcept override;
  void close_with_reset() noexcept override { reset_ = true; }

  size_t most_unsent = 0;  // bytes that ever waited in output()

 private:
  void close() noexcept override;
  void read();
  void wake();
  void unblock();

  HandLoop& hand_;
  PipeRules rules_;
  PipeEnd* peer_ = nullptr;
  std::string inbox_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  bool reading_ = false;
  bool woken_ = false;
  bool blocked_ = false;
  bool finish_wanted_ = false;
  bool finished_ = false;
  bool reset_ = false;
  bool peer_finished_ = false;
  bool peer_reset_ = false;
};

// Gives each dial one end of a new pipe and the other to `accept`.
class PipeDialer final : public net::Dialer {
 public:
  PipeDialer(HandLoop& loop, std::function<void(net::TransportPtr)> accept)
      : loop_(loop), accept_(std::move(accept)) {}
  Result<std::unique_ptr<net::Dial>, net::NetError> dial(const Address& address,
                                                         net::Dial::Events& events) override;
  PipeRules rules;
  int refused = 0;  // errno of the coming dials

 private:
  HandLoop& loop_;
  std::function<void(net::TransportPtr)> accept_;
};

}  // namespace onehop::tls
