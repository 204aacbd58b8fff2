// SPDX-License-Identifier: MIT
// The parsing half of the bench origin: plain loops over string views, no allocation.
#include "request.h"

#include <algorithm>

#include "onehop/base/ascii.h"

namespace onehop::bench {
namespace {

constexpr int kMostHexDigits = 15;  // sixteen could overflow 64 bits

}  // namespace

bool apply_field(RequestHead& head, std::string_view name, std::string_view value) {
  value = trim_blanks(value);
  if (equals_ignoring_case(name, "content-length")) {
    const std::optional<std::uint64_t> length = parse_decimal(value);
    if (!length || head.framing != Framing::none) return false;
    head.framing = Framing::length;
    head.content_length = *length;
  } else if (equals_ignoring_case(name, "transfer-encoding")) {
    if (!equals_ignoring_case(value, "chunked") || head.framing != Framing::none) return false;
    head.framing = Framing::chunked;
  } else if (equals_ignoring_case(name, "connection")) {
    any_list_element(value, [&head](std::string_view option) {
      if (equals_ignoring_case(option, "close")) head.keep_alive = false;
      return false;
    });
  }
  return true;
}

std::optional<RequestHead> parse_head(std::string_view text) {
  const std::string_view line = text.substr(0, text.find("\r\n"));
  text.remove_prefix(std::min(line.size() + 2, text.size()));
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == 0 || last <= first + 1) return std::nullopt;
  RequestHead head;
  head.method = line.substr(0, first);
  head.target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return std::nullopt;
  head.keep_alive = version == "HTTP/1.1";
  const bool good = all_fields(text, [&head](std::string_view name, std::string_view value) {
    return apply_field(head, name, value);
  });
  return good ? std::optional(head) : std::nullopt;
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
    return {1, 0};
  }
  const std::size_t take = std::min<std::uint64_t>(left_bytes_, input.size());
  left_bytes_ -= take;
  if (left_bytes_ == 0) state_ = state_ == State::plain ? State::done : State::data_end;
  return {take, take};
}

void BodyReader::on_framing_byte(char byte) {
  switch (state_) {
    case State::size:
      on_size_byte(byte);
      return;
    case State::extension:
      if (byte == '\n') state_ = left_bytes_ > 0 ? State::data : State::trailer_start;
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

}  // namespace onehop::bench
