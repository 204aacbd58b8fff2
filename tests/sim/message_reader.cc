// SPDX-License-Identifier: MIT
#include "message_reader.h"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace onehop::test {

std::string tag_of(uint64_t id) {
  return "<" + std::to_string(id) + ">";
}

std::string tagged_body(uint64_t id, size_t size) {
  std::string body = tag_of(id);
  while (body.size() < size) body += std::string(body);
  body.resize(size);
  return body;
}

bool is_tagged(std::string_view piece, uint64_t id, uint64_t offset) {
  const std::string tag = tag_of(id);
  const std::string begin = (tag + tag).substr(offset % tag.size(), tag.size());
  const size_t period = std::min(piece.size(), tag.size());
  return piece.starts_with(begin.substr(0, period)) &&
         piece.substr(period) == piece.substr(0, piece.size() - period);
}

std::string in_chunks(std::string_view body, size_t size) {
  std::string text;
  while (!body.empty()) {
    const std::string_view piece = body.substr(0, size);
    char digits[16];
    const auto end = std::to_chars(digits, digits + sizeof digits, piece.size(), 16).ptr;
    text.append(digits, end).append("\r\n").append(piece).append("\r\n");
    body.remove_prefix(piece.size());
  }
  return text + "0\r\n\r\n";
}

uint64_t number_in(std::string_view text) {
  const size_t begin = text.find("/r/");
  const std::string_view digits = begin == text.npos ? text : text.substr(begin + 3);
  uint64_t number = UINT64_MAX;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

void MessageReader::add(std::string_view bytes) {
  input_.erase(0, position_);
  position_ = 0;
  input_ += bytes;
}

std::string_view MessageReader::field(std::string_view lower_case_name) const {
  std::string_view rest = head_;
  for (size_t end = rest.find("\r\n"); end != rest.npos; end = rest.find("\r\n")) {
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 2);
    const size_t colon = line.find(':');
    if (colon != lower_case_name.size()) continue;
    const bool same = std::equal(lower_case_name.begin(), lower_case_name.end(), line.begin(),
                                 [](char a, char b) { return a == std::tolower(b); });
    if (!same) continue;
    std::string_view value = line.substr(colon + 1);
    while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
    return value;
  }
  return {};
}

void MessageReader::body_length(uint64_t bytes) {
  left_ = bytes;
  state_ = State::length;
}

void MessageReader::body_by_fields() {
  if (field("transfer-encoding") == "chunked") return body_chunked();
  const std::string_view length = field("content-length");
  body_length(length.empty() ? 0 : number_in(length));
}

bool MessageReader::take_line(std::string_view& line) {
  const size_t end = input_.find("\r\n", position_);
  if (end == std::string::npos) return false;
  line = std::string_view(input_).substr(position_, end - position_);
  position_ = end + 2;
  return true;
}

MessageReader::Got MessageReader::take_body(uint64_t limit) {
  const auto size = static_cast<size_t>(std::min<uint64_t>(limit, input_.size() - position_));
  if (size == 0) return Got::nothing;
  piece_ = std::string_view(input_).substr(position_, size);
  position_ += size;
  body_bytes_ = counted_;
  counted_ += size;
  left_ -= std::min<uint64_t>(left_, size);
  return Got::body;
}

MessageReader::Got MessageReader::next() {
  std::string_view line;
  while (true) {
    switch (state_) {
      case State::head: {
        const size_t end = input_.find("\r\n\r\n", position_);
        if (end == std::string::npos) return Got::nothing;
        head_ = input_.substr(position_, end + 4 - position_);
        position_ = end + 4;
        counted_ = body_bytes_ = 0;
        state_ = State::decide;
        return Got::head;
      }
      case State::decide:
        return Got::bad;
      case State::length:
        if (left_ > 0) return take_body(left_);
        body_bytes_ = counted_;
        state_ = State::head;
        return Got::end;
      case State::chunk_size: {
        if (!take_line(line)) return Got::nothing;
        const auto result = std::from_chars(line.data(), line.data() + line.size(), left_, 16);
        if (result.ec != std::errc() || result.ptr != line.data() + line.size()) return Got::bad;
        state_ = left_ == 0 ? State::trailers : State::chunk_data;
        break;
      }
      case State::chunk_data:
        if (left_ > 0) return take_body(left_);
        state_ = State::chunk_end;
        break;
      case State::chunk_end:
        if (input_.size() - position_ < 2) return Got::nothing;
        if (!take_line(line) || !line.empty()) return Got::bad;
        state_ = State::chunk_size;
        break;
      case State::trailers:
        if (!take_line(line)) return Got::nothing;
        if (!line.empty()) break;
        body_bytes_ = counted_;
        state_ = State::head;
        return Got::end;
      case State::until_close: {
        const Got got = take_body(UINT64_MAX);
        if (got == Got::nothing) body_bytes_ = counted_;
        return got;
      }
    }
  }
}

}  // namespace onehop::test
