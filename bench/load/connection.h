// SPDX-License-Identifier: MIT
// One connection to the server under load: at most one request at a time.
//
// The one idea: a request is sent in the call that makes the connection, without waiting to be told
// that it stands. On a near network it usually does by then, which saves a turn of the loop.
//
//   closed -> busy -> idle -> busy ...           kept alive
//             busy -> closing -> closed          the answer was the last: the server closes first,
//             busy -> closed                     so that TIME_WAIT stays where it is paid for
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "answer.h"
#include "onehop/base/intrusive_list.h"
#include "tally.h"

namespace onehop::bench {

enum class Progress { pending, answered, failed };

// Owned by the loop, which outlives it. In the list of the idle ones, or in none.
class Connection : public ListNode<Connection> {
 public:
  enum class Stage : std::uint8_t { closed, busy, idle, closing };

  explicit Connection(std::uint32_t slot) : slot_(slot) {}
  ~Connection() { close(); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // On a closed or an idle connection. `request` lives until the request has ended.
  Progress start(int epoll_fd, const Address& to, std::string_view request);
  // While busy. `room` is what one read may bring; several reads are several turns, so that no
  // answer keeps the others waiting.
  Progress on_ready(std::uint32_t events, std::span<char> room);
  // While idle: false when the server has closed or said what nobody asked for.
  [[nodiscard]] bool still_quiet(std::span<char> room) const;

  void become_idle() { stage_ = Stage::idle; }
  void become_closing() { stage_ = Stage::closing; }
  void close();

  // What epoll reports: the slot, and how often it was closed, so that an event of a connection
  // that is gone is recognised.
  [[nodiscard]] std::uint32_t slot() const { return slot_; }
  [[nodiscard]] std::uint64_t key() const { return (std::uint64_t{uses_} << 32) | slot_; }
  [[nodiscard]] Stage stage() const { return stage_; }
  [[nodiscard]] Fault fault() const { return fault_; }  // after failed
  [[nodiscard]] int status() const { return answer_.status(); }
  [[nodiscard]] bool peer_closed() const { return peer_closed_; }
  [[nodiscard]] bool reusable() const { return answer_.reusable() && sent_all(); }
  [[nodiscard]] bool established() const { return established_; }  // the last one, until the next
  // After failed: the server closed a kept connection at the moment of its next use, which is
  // nobody's fault.
  [[nodiscard]] bool was_stale() const;

  Clock::time_point due;       // of its request
  Clock::time_point deadline;  // of its request, or of its closing

 private:
  Progress open(const Address& to);
  Progress send_rest();
  Progress receive(std::span<char> room);
  Progress fail(Fault fault);
  Progress fail_with(int error);
  void update_interest();
  [[nodiscard]] bool sent_all() const { return unsent_.empty(); }

  std::uint32_t slot_;
  std::uint32_t uses_ = 0;
  int fd_ = -1;
  int epoll_fd_ = -1;
  std::uint32_t interest_ = 0;
  std::string_view unsent_;
  AnswerReader answer_;
  Stage stage_ = Stage::closed;
  Fault fault_ = Fault::reset;
  bool established_ = false;
  bool reused_ = false;
  bool peer_closed_ = false;
  bool send_failed_ = false;  // the server takes no more, but may have answered
};

}  // namespace onehop::bench
