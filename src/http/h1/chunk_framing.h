// SPDX-License-Identifier: MIT
// The framing of a chunked body (RFC 9112 7.1), byte by byte, without the data between it.
//
//   chunk   = line data CR LF                                       the last one has no data
//   line    = 1*HEXDIG *( BWS ";" BWS name [ BWS "=" BWS value ] ) CR LF
//   section = *( field CR LF ) CR LF                                behind the last chunk
//
// Plain data, so that a copy can look at bytes that are not to be read yet (look_ahead.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "onehop/http/violation.h"

namespace onehop::http::h1 {

// The line before the data of each chunk. Extensions are held to the grammar and dropped. Nothing
// else is tolerated: what one reader takes for a size, another must not take for something else.
class ChunkLine {
 public:
  enum class Status : uint8_t { more, end, failed };

  // The next byte; after `end` it is the first of another line.
  Status accept(char c) noexcept;
  uint64_t size() const noexcept { return size_; }  // after `end`: of the data
  bool at_start() const noexcept { return state_ == State::size_first; }

 private:
  enum class State : uint8_t {
    size_first,
    size,
    blank,       // before a semicolon
    name_first,  // behind a semicolon, perhaps after blanks
    name,
    name_blank,
    value_first,  // behind an equals sign, perhaps after blanks
    value,
    quoted,
    escaped,
    quote_end,
    line_feed
  };

  Status accept_digit(uint64_t digit) noexcept;
  Status accept_extension(char c) noexcept;
  Status accept_end_of_part(char c) noexcept;
  Status go(State state) noexcept {
    state_ = state;
    return Status::more;
  }

  uint64_t size_ = 0;
  uint32_t excess_bytes_ = 0;  // of all lines of the message: extensions, and zeros out of number
  State state_ = State::size_first;
  uint8_t digits_ = 0;  // that count, so without leading zeros
  uint8_t zeros_ = 0;
};

// Data of fewer bytes costs less to be copied than to be moved.
constexpr size_t kLittleData = 512;

// A chunk as it lies in memory: its line, its data, and the line end behind them.
struct SmallChunk {
  size_t line = 0;  // bytes
  size_t data = 0;
  size_t size() const noexcept { return line + data + 2; }
};

class ChunkFraming {
 public:
  enum class Place : uint8_t { line, data, behind_data, trailers };

  Place place() const noexcept { return place_; }
  // Not a byte of the next chunk, or of the last line, has been seen.
  bool at_chunk() const noexcept { return place_ == Place::line && line_.at_start(); }

  // The chunk that `bytes` begin with, if it has little data, no extension, and is there to its
  // end: the usual form of what comes in great numbers. It may be passed over as a whole. Without
  // data in the answer it has to go through accept(). Only while at_chunk().
  static SmallChunk small_chunk(std::string_view bytes) noexcept;

  uint64_t data_left() const noexcept { return left_; }
  void skip_data(uint64_t size) noexcept;  // at most data_left()

  // A byte of a line or behind data; false: it does not belong there.
  bool accept(char c) noexcept;

 private:
  ChunkLine line_;
  uint64_t left_ = 0;
  Place place_ = Place::line;
  bool carriage_return_ = false;  // of the line end behind data
};

// The trailer section.
class TrailerSection {
 public:
  enum class Status : uint8_t { more, end, failed };

  explicit TrailerSection(size_t limit) : limit_(limit) {}

  Status accept(char c);
  std::string_view lines() const noexcept { return text_; }  // after `end`: without the empty line
  Violation violation() const noexcept { return violation_; }

 private:
  std::string text_;
  size_t limit_;
  Violation violation_ = Violation::bad_trailer;
};

}  // namespace onehop::http::h1
