// SPDX-License-Identifier: MIT
// StandardError: where the operational log is written. It may be a pipe that nobody reads any more,
// such as that of `onehop proxy --access-log - 2>&1 | less`, and whoever has something to say is a
// worker or the main thread: neither may wait for a reader. A message that finds no room within a
// moment is left out, those behind it are at once, and the first that fits says how many were.
#pragma once

#include <fmt/format.h>
#include <poll.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace onehop::log {

class StandardError final : public spdlog::sinks::base_sink<std::mutex> {
 private:
  static constexpr int kMomentMs = 100;
  static constexpr size_t kPiece = 4096;  // PIPE_BUF: does not wait where poll() says "ready"

  static bool has_room(int wait_ms) {
    pollfd ready{STDERR_FILENO, POLLOUT, 0};
    return ::poll(&ready, 1, wait_ms) != 0;  // what is wrong with it write() says
  }

  void sink_it_(const spdlog::details::log_msg& message) override {
    if (!has_room(left_out_ == 0 ? kMomentMs : 0)) {
      ++left_out_;
      return;
    }
    spdlog::memory_buf_t bytes;
    if (std::exchange(torn_, false)) bytes.push_back('\n');
    if (const uint64_t missing = std::exchange(left_out_, 0); missing > 0) {
      const std::string text =
          fmt::format("messages are missing here, as standard error took nothing: {}", missing);
      formatter_->format(spdlog::details::log_msg("base", spdlog::level::warn, text), bytes);
    }
    formatter_->format(message, bytes);
    write({bytes.data(), bytes.size()});
  }
  void flush_() override {}

  void write(std::string_view text) {
    while (!text.empty()) {
      const ssize_t written = ::write(STDERR_FILENO, text.data(), std::min(text.size(), kPiece));
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return;
      text.remove_prefix(static_cast<size_t>(written));
      if (text.empty() || has_room(kMomentMs)) continue;
      torn_ = true;
      left_out_ = 1;
      return;
    }
  }

  uint64_t left_out_ = 0;  // under the mutex of the base, as is all here
  bool torn_ = false;      // the last byte was not the end of a line
};

}  // namespace onehop::log
