// SPDX-License-Identifier: MIT
// The reading of answers: heads are found in one piece where they come in one, and gathered where
// they do not.
#include "answer.h"

#include <cstddef>
#include <optional>

#include "onehop/base/ascii.h"

namespace onehop::bench {
namespace {

constexpr std::string_view kEnd = "\r\n\r\n";
constexpr std::size_t kMostHeadBytes = 256 * 1024;

struct StatusLine {
  int status = 0;
  bool http_1_0 = false;
};
std::optional<StatusLine> parse_status_line(std::string_view line) {
  if (!line.starts_with("HTTP/1.1 ") && !line.starts_with("HTTP/1.0 ")) return std::nullopt;
  const std::optional<std::uint64_t> status = parse_decimal(line.substr(9, 3));
  if (!status || *status < 100 || (line.size() > 12 && line[12] != ' ')) return std::nullopt;
  return StatusLine{static_cast<int>(*status), line[7] == '0'};
}

}  // namespace

void AnswerReader::start() {
  state_ = State::head;
  status_ = 0;
  started_ = false;
  reusable_ = true;
  partial_.clear();
}

AnswerReader::State AnswerReader::feed(std::string_view bytes) {
  started_ = true;
  while (state_ == State::head) {
    const std::size_t before = partial_.size();
    const std::size_t searched = before < kEnd.size() ? 0 : before - kEnd.size() + 1;
    if (before > 0) partial_.append(bytes);
    const std::string_view text = before > 0 ? std::string_view(partial_) : bytes;
    const std::size_t end = text.find(kEnd, searched);
    if (end == std::string_view::npos) {
      if (before == 0) partial_.assign(bytes);
      if (partial_.size() > kMostHeadBytes) state_ = State::unreadable;
      return state_;
    }
    state_ = apply_head(text.substr(0, end));
    bytes.remove_prefix(end + kEnd.size() - before);
    partial_.clear();
    if (bytes.empty()) return state_;
  }
  if (state_ == State::body) return feed_body(bytes);
  if (state_ == State::done) reusable_ = false;  // more than was asked for
  return state_;
}

AnswerReader::State AnswerReader::on_close() {
  reusable_ = false;
  if (state_ == State::until_close) state_ = State::done;
  return state_;
}

AnswerReader::State AnswerReader::apply_head(std::string_view head) {
  const std::optional<StatusLine> line = parse_status_line(head.substr(0, head.find("\r\n")));
  if (!line) return State::unreadable;
  if (line->status < 200) return line->status == 101 ? State::unreadable : State::head;
  status_ = line->status;
  RequestHead framing;
  framing.keep_alive = !line->http_1_0;
  const std::size_t fields = std::min(head.find("\r\n"), head.size() - 2) + 2;
  if (!all_fields(head.substr(fields), [&framing](std::string_view name, std::string_view value) {
        return apply_field(framing, name, value);
      })) {
    return State::unreadable;
  }
  reusable_ = framing.keep_alive;
  if (status_ == 204 || status_ == 304) return State::done;
  if (framing.framing == Framing::none) {
    reusable_ = false;
    return State::until_close;
  }
  body_.start(framing);
  return body_.done() ? State::done : State::body;
}

AnswerReader::State AnswerReader::feed_body(std::string_view bytes) {
  while (!bytes.empty() && !body_.done() && !body_.failed()) {
    bytes.remove_prefix(body_.next(bytes).consumed_bytes);
  }
  if (body_.failed()) return state_ = State::unreadable;
  if (!body_.done()) return state_;
  if (!bytes.empty()) reusable_ = false;
  return state_ = State::done;
}

}  // namespace onehop::bench
