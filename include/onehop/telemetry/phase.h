// SPDX-License-Identifier: MIT
// The phases of an exchange and the clock that measures them. At every moment an exchange is in
// exactly one phase, and changing it charges the time since the last change to the phase it leaves:
// so the phases sum to the total by construction, to the nanosecond.
//
// Beside the phase the clock knows whether the exchange waits for somebody else (client, replica, a
// free slot) or works; the time worked is `proxy_overhead`, what this proxy itself cost.
//
//   request_head_read       first byte of the request -> its head is complete
//   route_and_queue_wait    route, balancer, and the wait in the queue of an endpoint at its
//                           max_connections
//   pool_wait               asking the pool until it hands out a connection or starts to dial
//   connect                 dialling
//   request_write           connection in hand -> the request is handed to the kernel (of a body,
//                           its last byte)
//   response_wait           -> first byte of the response
//   response_body           -> last byte handed to the kernel
//   downstream_write_stall  the part of it in which the client did not take what was ready
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace onehop::telemetry {

// One row per phase: name, help.
// clang-format off
#define ONEHOP_PHASES(X) \
  X(request_head_read, "First byte of the request until its head is complete") \
  X(route_and_queue_wait, "Routing, balancing, and waiting in the queue of a full endpoint") \
  X(pool_wait, "Asking the pool for a connection") \
  X(connect, "Dialling the endpoint; 0 when a pooled connection was reused") \
  X(request_write, "Connection in hand until the whole request is handed to the kernel") \
  X(response_wait, "Request written until the first byte of the response") \
  X(response_body, "First byte of the response until the last is handed to the kernel") \
  X(downstream_write_stall, "Response bytes were ready and the client did not take them")
// clang-format on

enum class Phase : uint8_t {
#define X(name, help) name,
  ONEHOP_PHASES(X)
#undef X
};

constexpr size_t kPhaseCount = 0
#define X(name, help) +1
    ONEHOP_PHASES(X)
#undef X
    ;

constexpr std::array<std::string_view, kPhaseCount> kPhaseNames = {
#define X(name, help) #name,
    ONEHOP_PHASES(X)
#undef X
};

enum class Doing : uint8_t { work, wait };

// All times are nanoseconds of one monotonic clock; `now` never goes back.
class PhaseClock {
 public:
  void start(uint64_t now, Phase phase, Doing doing) noexcept {
    *this = PhaseClock();
    began_ = started_ = last_ = now;
    phase_ = phase;
    doing_ = doing;
  }

  // Starts anew for the next endpoint that the same request goes to.
  void restart(uint64_t now, Phase phase, Doing doing) noexcept {
    const uint64_t began = began_;
    start(now, phase, doing);
    began_ = began;
  }

  void enter(Phase phase, Doing doing, uint64_t now) noexcept {
    charge(now);
    phase_ = phase;
    doing_ = doing;
  }

  // Charges the rest; the clock stands still afterwards.
  void stop(uint64_t now) noexcept { charge(now); }

  Phase phase() const noexcept { return phase_; }
  Doing doing() const noexcept { return doing_; }
  uint64_t spent(Phase phase) const noexcept { return spent_[static_cast<size_t>(phase)]; }
  uint64_t total() const noexcept { return last_ - started_; }
  uint64_t since_began() const noexcept { return last_ - began_; }  // all restarts together
  uint64_t proxy_overhead() const noexcept { return worked_; }
  uint64_t started_at() const noexcept { return started_; }
  uint64_t began_at() const noexcept { return began_; }  // before the first restart

 private:
  void charge(uint64_t now) noexcept {
    const uint64_t elapsed = now - last_;
    spent_[static_cast<size_t>(phase_)] += elapsed;
    if (doing_ == Doing::work) worked_ += elapsed;
    last_ = now;
  }

  uint64_t began_ = 0;
  uint64_t started_ = 0;
  uint64_t last_ = 0;
  uint64_t worked_ = 0;
  std::array<uint64_t, kPhaseCount> spent_{};
  Phase phase_ = Phase::request_head_read;
  Doing doing_ = Doing::work;
};

}  // namespace onehop::telemetry
