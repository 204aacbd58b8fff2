// SPDX-License-Identifier: MIT
// The open loop: request i is due at start + i / rate, whatever became of those before it.
//
// The one idea: a request is only the moment at which it is due. It waits in a queue until a
// connection is there for it, and its latency counts from that moment, so that a server that stalls
// is charged for everything that it kept waiting (no coordinated omission).
//
// One thread, one epoll. Memory is bounded by rate x timeout requests that nobody has answered.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "connection.h"
#include "options.h"
#include "tally.h"

namespace onehop::bench {

class Run {
 public:
  // `options` outlive the run. Ends the process with a sentence when the kernel gives it no epoll.
  explicit Run(const Options& options);
  ~Run();
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  // Until everything that was offered is settled, or SIGINT or SIGTERM came. Returns the JSON line.
  std::string measure();

 private:
  [[nodiscard]] Clock::time_point due_of(std::uint64_t index) const;
  [[nodiscard]] bool all_offered() const { return tally_.offered_count() == planned_; }
  [[nodiscard]] bool finished() const;

  void turn();
  void offer_due(int most);
  void serve_waiting();
  void begin(Connection& connection, Clock::time_point due);
  void on_event(std::uint64_t key, std::uint32_t events);
  void settle(Connection& connection, Progress progress);
  void settle_answer(Connection& connection);
  void free(Connection& connection);
  void set_deadline(Connection& connection, Clock::time_point deadline);
  void drop_deadline(Connection& connection);
  void drop_late(Clock::time_point now);
  void expire(Clock::time_point now);
  void arm_timer();
  Connection* next_connection();

  const Options& options_;
  std::string request_;
  std::uint64_t planned_;
  Clock::time_point start_;
  Tally tally_;
  int epoll_fd_;
  int timer_fd_;
  int signal_fd_;
  Clock::time_point armed_for_{};
  bool interrupted_ = false;

  std::deque<Clock::time_point> waiting_;  // due, and no connection for them yet
  std::deque<Connection> connections_;     // by slot; they never move
  std::vector<Connection*> free_;
  std::size_t open_count_ = 0;
  std::size_t busy_count_ = 0;
  // The one that has rested longest is next, so that all are used like those of many clients.
  IntrusiveList<Connection> idle_;
  // Of the busy and the closing, by slot.
  std::set<std::pair<Clock::time_point, std::uint32_t>> deadlines_;
  std::array<char, 64 * 1024> room_{};
};

}  // namespace onehop::bench
