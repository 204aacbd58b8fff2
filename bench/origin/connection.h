// SPDX-License-Identifier: MIT
// One accepted connection of the bench origin, and what all connections share.
//
// The one idea: a connection works on one request at a time and stops reading while it cannot use
// what it would read. So its memory is bounded by one read and one output limit, whatever is sent.
#pragma once

#include <chrono>
#include <cstdint>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "request.h"

namespace onehop::bench {

using Clock = std::chrono::steady_clock;

struct Options {
  std::string listen = "127.0.0.1:0";
  std::uint64_t body_bytes = 256;
  int delay_ms = 0;
  int jitter_ms = 0;
  double error_rate = 0;
  int close_after = 0;  // requests on one connection; 0: no limit
  int close_idle_ms = 0;
  bool echo = false;
};

// What `/__counts` answers. A connection whose first request asks for a `/__` path is a control
// connection: it leaves `accepts` and `open` again, and its requests were never in `requests`.
struct Counts {
  std::uint64_t accepts = 0;
  std::uint64_t requests = 0;
  std::uint64_t open = 0;
  std::uint64_t bytes_received = 0;  // bytes of request bodies, without their framing
  std::uint64_t resets = 0;          // which `/__reset` an accept was counted after
};

// Owned by the loop, which outlives every connection.
struct Shared {
  explicit Shared(Options chosen);

  // Exactly the chosen fraction of all answers, spread evenly: no draw that a test would have to
  // allow for.
  [[nodiscard]] bool next_fails();
  [[nodiscard]] std::chrono::milliseconds next_delay();

  Options options;
  Counts counts;
  int epoll_fd = -1;
  std::vector<char> read_buffer;
  std::string filler;  // byte i of every generated body is filler[i % 64]
  std::set<std::pair<Clock::time_point, int>> deadlines;  // by connection fd, one each at most

 private:
  double failing_ = 0;
  std::minstd_rand random_;
};

enum class Alive { no, yes };

// Owned by the loop, by fd. A call that returns `Alive::no` asks to be destroyed.
class Connection {
 public:
  Connection(int fd, Shared& shared);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  [[nodiscard]] Alive on_ready(std::uint32_t events);
  [[nodiscard]] Alive on_deadline();

 private:
  // reading_head -> reading_body -> [delaying] -> [streaming] -> reading_head     an answer
  // reading_head -> [delaying] -> reading_body -> reading_head                    an echo
  enum class Stage { reading_head, reading_body, delaying, streaming };
  enum class Kind { fixed, sized, echo, counts, reset, unreadable };

  [[nodiscard]] Alive read_once();
  [[nodiscard]] Alive settle();
  [[nodiscard]] Alive flush();
  [[nodiscard]] bool may_consume() const;
  [[nodiscard]] bool output_empty() const { return out_.empty() && filler_left_bytes_ == 0; }
  void consume();
  void consume_body();
  void start_request(std::string_view head);
  void classify(const RequestHead& head);
  void become_control();
  void delay_or_answer();
  void answer();
  void append_head(std::string_view status, std::uint64_t body_bytes);
  void next_request();
  void arm(std::chrono::milliseconds after);
  void disarm();
  void update_interest();

  int fd_;
  Shared& shared_;
  Stage stage_ = Stage::reading_head;
  Kind kind_ = Kind::fixed;
  BodyReader body_;
  std::string in_;          // what was read and could not be used yet
  std::string_view input_;  // during a call: the bytes at hand, in `in_` or in the shared buffer
  std::string out_;
  std::uint64_t size_bytes_ = 0;         // of the answer of kind `sized`
  std::uint64_t filler_left_bytes_ = 0;  // of the answer that is being streamed
  std::size_t filler_at_ = 0;
  std::uint32_t interest_ = 0;
  std::uint64_t accepted_after_resets_;
  int request_count_ = 0;
  bool control_ = false;
  bool head_method_ = false;
  bool http_1_0_ = false;
  bool chunked_echo_ = false;
  bool fails_ = false;  // this answer is a 503
  bool close_after_answer_ = false;
  bool closing_ = false;  // no request is taken any more; close when the output is sent
  Clock::time_point deadline_{};
};

}  // namespace onehop::bench
