// SPDX-License-Identifier: MIT
#include "chunk_framing.h"

#include <algorithm>

#include "onehop/base/ascii.h"

namespace onehop::http::h1 {
namespace {

constexpr uint8_t kMaxDigits = 15;  // sizes below 2^60 (edge case 52)
// Servers that pad sizes make them as wide as a number of theirs can be.
constexpr uint8_t kUsualZeros = 16;
constexpr uint32_t kMaxExcessBytes = 16 * 1024;  // of all chunks of a message (edge case 53)

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  const char lower = to_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// What a quoted string may hold, behind a backslash anything of it (RFC 9110 5.6.4).
bool is_quotable(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return c == '\t' || (byte >= 0x20 && byte != 0x7f);
}

}  // namespace

ChunkLine::Status ChunkLine::accept(char c) noexcept {
  switch (state_) {
    case State::size_first:
    case State::size:
      if (const int digit = hex_value(c); digit >= 0)
        return accept_digit(static_cast<uint64_t>(digit));
      if (state_ == State::size_first) return Status::failed;
      return accept_end_of_part(c);
    case State::line_feed:
      state_ = State::size_first;
      digits_ = zeros_ = 0;
      return c == '\n' ? Status::end : Status::failed;
    case State::blank:
    case State::name_first:
    case State::name:
    case State::name_blank:
    case State::value_first:
    case State::value:
    case State::quoted:
    case State::escaped:
    case State::quote_end:
      break;
  }
  if (++excess_bytes_ > kMaxExcessBytes) return Status::failed;
  return accept_extension(c);
}

ChunkLine::Status ChunkLine::accept_digit(uint64_t digit) noexcept {
  if (state_ == State::size_first) size_ = 0;
  state_ = State::size;
  size_ = size_ * 16 + digit;
  if (size_ != 0) return ++digits_ > kMaxDigits ? Status::failed : Status::more;
  if (zeros_ < kUsualZeros) {
    ++zeros_;
    return Status::more;
  }
  return ++excess_bytes_ > kMaxExcessBytes ? Status::failed : Status::more;
}

// Behind the size or a whole extension: blanks are there only for a semicolon to follow.
ChunkLine::Status ChunkLine::accept_end_of_part(char c) noexcept {
  if (c == '\r') return go(State::line_feed);
  if (c == ';') return go(State::name_first);
  return is_blank(c) ? go(State::blank) : Status::failed;
}

ChunkLine::Status ChunkLine::accept_extension(char c) noexcept {
  switch (state_) {
    case State::blank:
      if (is_blank(c)) return Status::more;
      return c == ';' ? go(State::name_first) : Status::failed;
    case State::name_first:
      if (is_blank(c)) return Status::more;
      return is_token_char(c) ? go(State::name) : Status::failed;
    case State::name:
      if (is_token_char(c)) return Status::more;
      if (c == '=') return go(State::value_first);
      return is_blank(c) ? go(State::name_blank) : accept_end_of_part(c);
    case State::name_blank:
      if (is_blank(c)) return Status::more;
      if (c == '=') return go(State::value_first);
      return c == ';' ? go(State::name_first) : Status::failed;
    case State::value_first:
      if (is_blank(c)) return Status::more;
      if (c == '"') return go(State::quoted);
      return is_token_char(c) ? go(State::value) : Status::failed;
    case State::value:
      return is_token_char(c) ? Status::more : accept_end_of_part(c);
    case State::quoted:
      if (c == '"') return go(State::quote_end);
      if (c == '\\') return go(State::escaped);
      return is_quotable(c) ? Status::more : Status::failed;
    case State::escaped:
      return is_quotable(c) ? go(State::quoted) : Status::failed;
    case State::quote_end:
      return accept_end_of_part(c);
    case State::size_first:
    case State::size:
    case State::line_feed:
      break;
  }
  return Status::failed;
}

SmallChunk ChunkFraming::small_chunk(std::string_view bytes) noexcept {
  const char* const at = bytes.data();
  const size_t most = std::min<size_t>(bytes.size(), kUsualZeros);
  size_t digits = 0;
  uint64_t size = 0;
  for (int digit = 0; digits < most && (digit = hex_value(at[digits])) >= 0; ++digits)
    size = size * 16 + static_cast<uint64_t>(digit);
  const SmallChunk chunk{digits + 2, size};
  if (size == 0 || size >= kLittleData || bytes.size() < chunk.size()) return {};
  const char* const behind = at + chunk.line + size;
  const bool ends =
      at[digits] == '\r' && at[digits + 1] == '\n' && behind[0] == '\r' && behind[1] == '\n';
  return ends ? chunk : SmallChunk{};
}

void ChunkFraming::skip_data(uint64_t size) noexcept {
  left_ -= size;
  if (left_ == 0) place_ = Place::behind_data;
}

bool ChunkFraming::accept(char c) noexcept {
  if (place_ == Place::behind_data) {
    if (!carriage_return_) return carriage_return_ = c == '\r';
    carriage_return_ = false;
    place_ = Place::line;
    return c == '\n';
  }
  const ChunkLine::Status status = line_.accept(c);
  if (status == ChunkLine::Status::end) {
    left_ = line_.size();
    place_ = left_ > 0 ? Place::data : Place::trailers;
  }
  return status != ChunkLine::Status::failed;
}

TrailerSection::Status TrailerSection::accept(char c) {
  text_.push_back(c);
  const bool bare = c == '\n' && (text_.size() < 2 || text_[text_.size() - 2] != '\r');
  if (bare || text_.size() > limit_) {
    violation_ = bare ? Violation::bad_trailer : Violation::head_too_large;
    return Status::failed;
  }
  if (text_ != "\r\n" && !text_.ends_with("\r\n\r\n")) return Status::more;
  text_.resize(text_.size() - 2);
  return Status::end;
}

}  // namespace onehop::http::h1
