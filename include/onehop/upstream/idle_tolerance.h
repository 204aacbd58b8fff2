// SPDX-License-Identifier: MIT
// IdleTolerance: for how long an endpoint leaves an idle connection open, as far as it has shown.
// Few say so beforehand (`Keep-Alive: timeout=N`), so it is learnt from the age at which it closed
// one, and doubted again (docs/decisions/0050-how-long-a-connection-may-rest.md).
//
//   closed()   idle connections are given up a margin earlier from now on
//   held()     one was given up at that limit, and the endpoint had it open still: after some of
//              these, twice as long is tried; after the more of them, the more often the endpoint
//              has closed at the same age
//   served_after()   one that had been idle for longer was served: as if closed at that age
//
// Shared by all workers, from any thread. Only limit_ms(), hinted() and served_after() are on the
// path of a request: a load each, and a store where the hint is another one.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string_view>

namespace onehop::upstream {

class IdleTolerance {
 public:
  static constexpr uint64_t kNone = UINT64_MAX;
  // What is closed younger is not closed for its rest.
  static constexpr uint64_t kLeastMs = 50;
  // Connections that end within so long of each other end together.
  static constexpr uint64_t kTogetherMs = 100;
  // So many that held are asked for until longer is tried.
  static constexpr uint32_t kLeastPatience = 8;
  static constexpr uint32_t kMostPatience = 1024;

  // How long a connection may be idle; kNone: no limit was learnt.
  uint64_t limit_ms() const noexcept { return limit_ms_.load(std::memory_order_relaxed); }

  // The endpoint closed a connection that had been idle for `idle_ms`. At most half of it is taken
  // off for `margin_ms`, so that connections are still kept.
  struct Closing {
    uint64_t idle_ms;
    uint64_t margin_ms;
    uint64_t now_ms;  // never goes back
  };
  void closed(const Closing& closing) noexcept;

  // One was given up after `limit_ms`, and was open. `configured_ms`: what no limit exceeds.
  struct Held {
    uint64_t limit_ms;
    uint64_t configured_ms;
    uint64_t now_ms;
  };
  void held(const Held& held) noexcept;

  // A request was served after a rest that is `idle_ms` less the margin: no limit is shorter.
  void served_after(uint64_t idle_ms) noexcept {
    if (idle_ms > limit_ms()) prove(idle_ms);
  }

  // What the endpoint's latest response leaves of its own hint, less the margin; kNone: no hint.
  void hinted(uint64_t ms) noexcept {
    if (hint_ms_.load(std::memory_order_relaxed) != ms)
      hint_ms_.store(ms, std::memory_order_relaxed);
  }

  // What is in use, and by whom it was said; for people.
  struct InUse {
    uint64_t ms = 0;
    std::string_view from = "configured";  // or "keep_alive", or "observed"
  };
  InUse in_use(uint64_t configured_ms) const noexcept;

 private:
  // What a closing changes.
  struct Learnt {
    uint64_t limit_ms = kNone;
    uint64_t age_ms = 0;  // of the latest closing; 0: there was none
    uint32_t patience = kLeastPatience;
    uint32_t held = 0;
  };
  void use(const Learnt& learnt) noexcept;
  void prove(uint64_t idle_ms) noexcept;

  std::atomic<uint64_t> limit_ms_ = kNone;
  std::atomic<uint64_t> hint_ms_ = kNone;
  std::mutex mutex_;  // of all that follows
  Learnt learnt_;
  Learnt before_;                // the closings that may turn out to be one of all connections
  uint64_t closed_ms_ = 0;       // when the latest was
  uint64_t together_until_ = 0;  // all end, whatever their age
  uint64_t counted_ms_ = 0;      // when one that held was counted
};

}  // namespace onehop::upstream
