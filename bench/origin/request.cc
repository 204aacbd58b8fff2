// SPDX-License-Identifier: MIT
// The parsing half of the bench origin: plain loops over string views, no allocation.
#include "request.h"

#include <strings.h>

#include <algorithm>
#include <charconv>

namespace onehop::bench {
namespace {

constexpr int kMostHexDigits = 15;  // sixteen could overflow 64 bits

bool same_text(std::string_view left, std::string_view right) {
  return left.size() == right.size() && strncasecmp(left.data(), right.data(), left.size()) == 0;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Removes the first line, with its CRLF, from `text` and returns it without.
std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find("\r\n"), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 2, text.size()));
  return line;
}

bool lists(std::string_view value, std::string_view wanted) {
  while (!value.empty()) {
    const std::size_t comma = std::min(value.find(','), value.size());
    if (same_text(trimmed(value.substr(0, comma)), wanted)) return true;
    value.remove_prefix(std::min(comma + 1, value.size()));
  }
  return false;
}

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// False: the field makes the request unusable.
bool apply_field(RequestHead& head, std::string_view name, std::string_view value) {
  if (same_text(name, "content-length")) {
    const std::optional<std::uint64_t> length = number(value);
    if (!length || head.framing == Framing::chunked) return false;
    head.framing = Framing::length;
    head.content_length = *length;
  } else if (same_text(name, "transfer-encoding")) {
    if (!same_text(value, "chunked") || head.framing == Framing::length) return false;
    head.framing = Framing::chunked;
  } else if (same_text(name, "connection")) {
    if (lists(value, "close")) head.keep_alive = false;
    if (head.http_1_0 && lists(value, "keep-alive")) head.keep_alive = true;
  } else if (same_text(name, "expect")) {
    head.expects_continue = same_text(value, "100-continue");
  }
  return true;
}

}  // namespace

std::optional<RequestHead> parse_head(std::string_view text) {
  const std::string_view line = take_line(text);
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == 0 || last <= first + 1) return std::nullopt;
  RequestHead head;
  head.method = line.substr(0, first);
  head.target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return std::nullopt;
  head.http_1_0 = version == "HTTP/1.0";
  head.keep_alive = !head.http_1_0;
  while (!text.empty()) {
    const std::string_view field = take_line(text);
    const std::size_t colon = field.find(':');
    if (colon == std::string_view::npos || colon == 0) return std::nullopt;
    if (!apply_field(head, field.substr(0, colon), trimmed(field.substr(colon + 1)))) {
      return std::nullopt;
    }
  }
  return head;
}

void BodyReader::start(const RequestHead& head) {
  left_bytes_ = head.content_length;
  digit_count_ = 0;
  switch (head.framing) {
    case Framing::none:
      state_ = State::done;
      return;
    case Framing::length:
      state_ = left_bytes_ > 0 ? State::plain : State::done;
      return;
    case Framing::chunked:
      left_bytes_ = 0;
      state_ = State::size;
      return;
  }
}

BodyReader::Piece BodyReader::next(std::string_view input) {
  if (state_ != State::plain && state_ != State::data) {
    on_framing_byte(input.front());
    return {1, {}};
  }
  const std::size_t take = std::min<std::uint64_t>(left_bytes_, input.size());
  left_bytes_ -= take;
  if (left_bytes_ == 0) state_ = state_ == State::plain ? State::done : State::data_end;
  return {take, input.substr(0, take)};
}

void BodyReader::on_framing_byte(char byte) {
  switch (state_) {
    case State::size:
      on_size_byte(byte);
      return;
    case State::extension:
      if (byte == '\n') on_line_end();
      return;
    case State::data_end:
      if (byte == '\n') {
        state_ = State::size;
        digit_count_ = 0;
      } else if (byte != '\r') {
        state_ = State::failed;
      }
      return;
    case State::trailer_start:
      if (byte == '\n') {
        state_ = State::done;
      } else if (byte != '\r') {
        state_ = State::trailer_line;
      }
      return;
    case State::trailer_line:
      if (byte == '\n') state_ = State::trailer_start;
      return;
    case State::plain:
    case State::data:
    case State::done:
    case State::failed:
      return;
  }
}

void BodyReader::on_size_byte(char byte) {
  int digit = -1;
  if (byte >= '0' && byte <= '9') digit = byte - '0';
  if (byte >= 'a' && byte <= 'f') digit = byte - 'a' + 10;
  if (byte >= 'A' && byte <= 'F') digit = byte - 'A' + 10;
  if (digit >= 0 && digit_count_ < kMostHexDigits) {
    left_bytes_ = left_bytes_ * 16 + static_cast<std::uint64_t>(digit);
    ++digit_count_;
  } else if (digit_count_ > 0 && (byte == ';' || byte == '\r' || byte == ' ')) {
    state_ = State::extension;
  } else {
    state_ = State::failed;
  }
}

void BodyReader::on_line_end() {
  state_ = left_bytes_ > 0 ? State::data : State::trailer_start;
}

}  // namespace onehop::bench
