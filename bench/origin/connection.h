// SPDX-License-Identifier: MIT
// One accepted connection of the bench origin, and what all connections share.
//
// The one idea: a connection works on one request at a time and stops reading while it cannot use
// what it would read. So its memory is bounded by one read and one answer, whatever is sent.
#pragma once

#include <chrono>
#include <cstdint>
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
};

// What `/__counts` answers. A connection whose first request asks for it is a control connection:
// it leaves `accepts` again, and its requests were never in `requests`.
struct Counts {
  std::uint64_t accepts = 0;
  std::uint64_t requests = 0;
  std::uint64_t bytes_received = 0;  // bytes of request bodies, without their framing
};

// Owned by the loop, which outlives every connection.
struct Shared {
  explicit Shared(Options chosen);

  Options options;
  Counts counts;
  int epoll_fd = -1;
  std::vector<char> read_buffer;
  std::string filler;  // byte i of every generated body is filler[i % 64]
  std::set<std::pair<Clock::time_point, int>> delayed;  // by connection fd, one each at most
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
  [[nodiscard]] Alive on_due();

 private:
  // reading_head -> reading_body -> [delaying] -> [streaming] -> reading_head
  enum class Stage { reading_head, reading_body, delaying, streaming };

  [[nodiscard]] Alive read_once();
  [[nodiscard]] Alive settle();
  [[nodiscard]] Alive flush();
  [[nodiscard]] bool may_consume() const;
  [[nodiscard]] bool output_empty() const { return out_.empty() && filler_left_bytes_ == 0; }
  void consume();
  void consume_body();
  void start_request(std::string_view head);
  void answer();
  void append_head(std::string_view status, std::uint64_t body_bytes);
  void next_request();
  void disarm();
  void update_interest();

  int fd_;
  Shared& shared_;
  Stage stage_ = Stage::reading_head;
  BodyReader body_;
  std::string in_;          // what was read and could not be used yet
  std::string_view input_;  // during a call: the bytes at hand, in `in_` or in the shared buffer
  std::string out_;
  std::uint64_t size_bytes_ = 0;         // of the answer's body
  std::uint64_t filler_left_bytes_ = 0;  // of the answer that is being streamed
  std::size_t filler_at_ = 0;
  std::uint32_t interest_ = 0;
  int request_count_ = 0;
  bool asks_counts_ = false;
  bool head_method_ = false;
  bool close_after_answer_ = false;
  bool closing_ = false;  // no request is taken any more; close when the output is sent
  Clock::time_point due_{};
};

}  // namespace onehop::bench
