// SPDX-License-Identifier: MIT
// How the bench origin answers. `settle` is called after every event and decides everything: use
// the input, write the output, close or wait.
#include "connection.h"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <iterator>

#include "onehop/base/ascii.h"

namespace onehop::bench {
namespace {

constexpr std::size_t kReadBytes = 256 * 1024;     // large bodies in few calls
constexpr std::size_t kFillerBytes = 256 * 1024;   // a multiple of 64, so that the pattern closes
constexpr std::size_t kOutputLimit = 512 * 1024;   // who pipelines and does not read waits above it
constexpr std::size_t kHeadLimit = 64 * 1024;      // twice what a proxy should let through
constexpr std::uint64_t kInlineBytes = 16 * 1024;  // a smaller body is copied behind its head
constexpr std::string_view kPattern =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-\n";
static_assert(kPattern.size() == 64);
constexpr std::string_view kSized = "/size/";

}  // namespace

Shared::Shared(Options chosen) : options(std::move(chosen)), read_buffer(kReadBytes) {
  while (filler.size() < kFillerBytes) filler += kPattern;
}

Connection::Connection(int fd, Shared& shared) : fd_(fd), shared_(shared) {
  ++shared_.counts.accepts;
  interest_ = EPOLLIN;
  epoll_event event{.events = interest_, .data = {.fd = fd_}};
  epoll_ctl(shared_.epoll_fd, EPOLL_CTL_ADD, fd_, &event);
}

Connection::~Connection() {
  disarm();
  close(fd_);
}

Alive Connection::on_ready(std::uint32_t events) {
  if ((events & (EPOLLERR | EPOLLHUP)) != 0) return Alive::no;
  if ((events & EPOLLIN) == 0) {
    input_ = in_;
  } else if (read_once() == Alive::no) {
    return Alive::no;
  }
  return settle();
}

Alive Connection::on_due() {
  disarm();
  input_ = in_;
  answer();
  return settle();
}

Alive Connection::read_once() {
  input_ = in_;
  const ssize_t size = read(fd_, shared_.read_buffer.data(), shared_.read_buffer.size());
  if (size < 0) return errno == EAGAIN || errno == EINTR ? Alive::yes : Alive::no;
  if (size == 0) {
    // The end of the requests: answers already begun are still delivered.
    if (stage_ == Stage::reading_body) return Alive::no;
    closing_ = true;
    return Alive::yes;
  }
  input_ = {shared_.read_buffer.data(), static_cast<std::size_t>(size)};
  if (!in_.empty()) {
    in_ += input_;
    input_ = in_;
  }
  return Alive::yes;
}

Alive Connection::settle() {
  for (;;) {
    consume();
    const bool held_back = out_.size() >= kOutputLimit;
    if (flush() == Alive::no) return Alive::no;
    if (stage_ == Stage::streaming && output_empty()) {
      next_request();
    } else if (!held_back || !may_consume()) {
      break;
    }
  }
  if (closing_ && stage_ != Stage::delaying && output_empty()) return Alive::no;
  if (input_.empty()) {
    in_.clear();
  } else if (in_.empty()) {
    in_.assign(input_);
  } else {
    in_.erase(0, in_.size() - input_.size());
  }
  input_ = {};
  update_interest();
  return Alive::yes;
}

Alive Connection::flush() {
  std::size_t sent = 0;  // of out_
  while (sent < out_.size() || filler_left_bytes_ > 0) {
    const std::uint64_t room = shared_.filler.size() - filler_at_;
    const std::size_t filler = std::min(filler_left_bytes_, room);
    const std::array<iovec, 2> parts{
        {{out_.data() + sent, out_.size() - sent}, {shared_.filler.data() + filler_at_, filler}}};
    const ssize_t result = writev(fd_, parts.data(), filler > 0 ? 2 : 1);
    if (result < 0 && errno == EINTR) continue;
    if (result < 0 && errno == EAGAIN) break;
    if (result < 0) return Alive::no;
    const auto written = static_cast<std::size_t>(result);
    const std::size_t of_out = std::min(written, out_.size() - sent);
    sent += of_out;
    filler_left_bytes_ -= written - of_out;
    filler_at_ = (filler_at_ + written - of_out) % shared_.filler.size();
    if (written < parts[0].iov_len + filler) break;  // the socket is full
  }
  out_.erase(0, sent);
  return Alive::yes;
}

bool Connection::may_consume() const {
  return !closing_ && out_.size() < kOutputLimit &&
         (stage_ == Stage::reading_head || stage_ == Stage::reading_body);
}

void Connection::consume() {
  while (may_consume()) {
    if (stage_ == Stage::reading_body) {
      if (input_.empty() && !body_.done()) return;
      consume_body();
      continue;
    }
    if (input_.starts_with("\r\n")) input_.remove_prefix(2);  // RFC 9112, 2.2: ignore one
    const std::size_t end = input_.find("\r\n\r\n");
    if (end == std::string_view::npos && input_.size() < kHeadLimit) return;
    const std::string_view head = input_.substr(0, end);
    input_.remove_prefix(end == std::string_view::npos ? input_.size() : end + 4);
    start_request(head);
  }
}

void Connection::consume_body() {
  if (!body_.done()) {
    const BodyReader::Piece piece = body_.next(input_);
    input_.remove_prefix(piece.consumed_bytes);
    shared_.counts.bytes_received += piece.data_bytes;
  }
  if (body_.failed()) {
    closing_ = true;
  } else if (body_.done()) {
    if (shared_.options.delay_ms == 0 || asks_counts_) return answer();
    stage_ = Stage::delaying;
    due_ = Clock::now() + std::chrono::milliseconds(shared_.options.delay_ms);
    shared_.delayed.emplace(due_, fd_);
  }
}

void Connection::start_request(std::string_view text) {
  const std::optional<RequestHead> head = parse_head(text);
  if (!head) {
    close_after_answer_ = true;
    append_head("400 Bad Request", 0);
    return next_request();
  }
  asks_counts_ = head->target == "/__counts";
  if (!asks_counts_) {
    ++shared_.counts.requests;
  } else if (request_count_ == 0) {
    --shared_.counts.accepts;
  }
  ++request_count_;
  size_bytes_ = shared_.options.body_bytes;
  if (head->method == "GET" && head->target.starts_with(kSized)) {
    size_bytes_ = parse_decimal(head->target.substr(kSized.size())).value_or(size_bytes_);
  }
  head_method_ = head->method == "HEAD";
  close_after_answer_ = !head->keep_alive;
  body_.start(*head);
  stage_ = Stage::reading_body;
}

void Connection::answer() {
  if (asks_counts_) {
    const Counts& counts = shared_.counts;
    const std::string json = fmt::format(R"({{"accepts":{},"requests":{},"bytes_received":{}}})",
                                         counts.accepts, counts.requests, counts.bytes_received);
    append_head("200 OK", json.size());
    out_ += json;
    return next_request();
  }
  append_head("200 OK", size_bytes_);
  if (head_method_) {
    next_request();
  } else if (size_bytes_ <= kInlineBytes) {
    out_.append(shared_.filler, 0, size_bytes_);
    next_request();
  } else {
    filler_at_ = 0;
    filler_left_bytes_ = size_bytes_;
    stage_ = Stage::streaming;
  }
}

void Connection::append_head(std::string_view status, std::uint64_t body_bytes) {
  fmt::format_to(std::back_inserter(out_),
                 "HTTP/1.1 {}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n{}\r\n", status,
                 body_bytes, close_after_answer_ ? "Connection: close\r\n" : "");
}

void Connection::next_request() {
  stage_ = Stage::reading_head;
  closing_ = closing_ || close_after_answer_;
}

void Connection::disarm() {
  if (due_ == Clock::time_point{}) return;
  shared_.delayed.erase({due_, fd_});
  due_ = {};
}

void Connection::update_interest() {
  std::uint32_t wanted = 0;
  if (may_consume()) wanted |= EPOLLIN;
  if (!output_empty()) wanted |= EPOLLOUT;
  if (wanted == interest_) return;
  interest_ = wanted;
  epoll_event event{.events = wanted, .data = {.fd = fd_}};
  epoll_ctl(shared_.epoll_fd, EPOLL_CTL_MOD, fd_, &event);
}

}  // namespace onehop::bench
