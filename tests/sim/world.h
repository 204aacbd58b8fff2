// SPDX-License-Identifier: MIT
// What one simulated run is made of: its chance, its weather (how often which fault happens), its
// clock and events, and what it has found wrong. Everything comes from one seed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "onehop/net/loop.h"

namespace onehop::test {

// splitmix64.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = (state_ += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }
  uint64_t below(uint64_t limit) { return limit == 0 ? 0 : next() % limit; }
  uint64_t between(uint64_t least, uint64_t most) { return least + below(most - least + 1); }
  bool chance(unsigned per_mille) { return per_mille != 0 && below(1000) < per_mille; }

 private:
  uint64_t state_;
};

// Chances are in one of a thousand.
struct Weather {
  // The network.
  unsigned split = 300;             // a send arrives in pieces, also of one byte
  unsigned partial_write = 200;     // a write takes only a part
  uint64_t delay_us = 2000;         // at most, of a piece
  size_t window_bytes = 64 * 1024;  // that the far end has not taken
  // Dialling.
  unsigned refused = 0;
  unsigned unanswered = 0;
  unsigned no_descriptor = 0;
  // The origin.
  unsigned response_reset = 0;  // at any byte of the response
  unsigned response_cut = 0;    // closed at any byte of it
  unsigned close_after = 0;     // closed after a response that did not say so
  unsigned close_idle = 0;      // closed some time later, while idle
  unsigned early = 0;           // answers before the request's body is there
  unsigned surplus = 0;         // bytes behind the response
  unsigned mute = 0;            // never answers
  // The clients.
  unsigned abort = 0;       // at any byte sent or received
  unsigned uploads = 0;     // PUT, its body behind its head
  unsigned half_close = 0;  // after the last request
  unsigned slow = 0;        // takes little at a time
  unsigned stuck = 0;       // takes nothing at all
  unsigned big = 0;         // a body of some hundred KiB
  // Whoever runs it; of each turn.
  unsigned endpoints_change = 0;
  unsigned weights_change = 0;
  unsigned reload = 0;
  unsigned empty = 0;    // of each change: no endpoint is left
  unsigned drained = 0;  // of each endpoint in a change
  uint64_t endpoint_drain_ms = 30'000;
  // The whole.
  unsigned jump = 0;   // of each turn: the clock jumps
  unsigned stop = 0;   // the worker is stopped in the middle
  bool http2 = false;  // a second proxy, spoken to with HTTP/2, is before the origin
  uint32_t max_connections = 0;
  uint64_t write_stall_ms = 60'000;  // server.timeouts.write_stall
};

// A loop driven by hand: events at simulated times, deadlines, the end of the turn.
class SimLoop final : public net::Loop {
 public:
  explicit SimLoop(uint64_t start_ns) : now_ns_(start_ns) {}
  ~SimLoop() override { destroy_retired(); }

  uint64_t now_ns() const override { return now_ns_; }
  uint64_t now_ms() const override { return now_ns_ / kMs; }

  void at(uint64_t time_ns, std::function<void()> event);
  void after_us(uint64_t delay_us, std::function<void()> event) {
    at(now_ns_ + delay_us * 1000, std::move(event));
  }
  void jump_ms(uint64_t by) { now_ns_ += by * kMs; }

  // One turn: moves the clock to what is next and lets it happen. False: nothing will happen any
  // more.
  bool run_turn();
  void drop_events() { events_.clear(); }

 private:
  static constexpr uint64_t kMs = 1'000'000;
  struct Event {
    uint64_t time_ns;
    uint64_t order;
    std::function<void()> call;
  };
  static bool later(const Event& a, const Event& b) {
    return a.time_ns != b.time_ns ? a.time_ns > b.time_ns : a.order > b.order;
  }
  void on_armed(uint64_t due_ms) override {
    if (due_ms < due_ms_) due_ms_ = due_ms;
  }

  uint64_t now_ns_;
  uint64_t order_ = 0;
  uint64_t due_ms_ = UINT64_MAX;
  std::vector<Event> events_;  // a heap
};

// Which endpoints the proxy was told of, by port. One that left and is back stays anew.
class Members {
 public:
  static constexpr uint64_t kNotThere = 0;

  // Of the upstream whose ports are `first` to `first` + 99.
  void set(uint16_t first, const std::vector<uint16_t>& ports);
  uint64_t stay_of(uint16_t port) const {
    const auto found = stays_.find(port);
    return found == stays_.end() ? kNotThere : found->second;
  }

 private:
  std::map<uint16_t, uint64_t> stays_;
  uint64_t begun_ = 0;
};

struct World {
  World(uint64_t from_seed, const Weather& given)
      : seed(from_seed), random(from_seed), weather(given), loop(1'000'000'000'000) {}

  void wrong(std::string what) {
    if (violation.empty()) violation = std::move(what);
  }
  // Requests must not be given to an endpoint that has left; over HTTP/1.1 that can be seen.
  bool watches_members() const {
    return !weather.http2 && weather.endpoints_change + weather.reload > 0;
  }
  // The last things that happened, for the report of a failure.
  void note(std::string what);

  const uint64_t seed;
  Random random;
  const Weather weather;
  SimLoop loop;
  Members members;
  std::string violation;
  std::deque<std::string> notes;
  size_t most_unsent = 0;           // in one transport's output
  int64_t upstream_transports = 0;  // in existence
};

}  // namespace onehop::test
