// SPDX-License-Identifier: MIT
// Takes the body of a message out of the bytes of its connection: by length, by chunks (RFC
// 9112 7.1), or until the connection ends. Body bytes are moved, never copied; the framing around
// them is checked strictly and dropped.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "onehop/base/buffer.h"
#include "onehop/http/head.h"
#include "onehop/http/violation.h"

namespace onehop::http::h1 {

class BodyReader {
 public:
  enum class Status : uint8_t { more, end, failed };

  void start_length(uint64_t bytes);
  void start_chunked(size_t trailer_limit);  // bytes of the trailer section
  void start_until_close();

  // Moves what is body from `in` to `out`. After `end`, what is left in `in` belongs to the next
  // message.
  Status read(Buffer& in, Buffer& out);

  // How much is still to come, where a length says so.
  std::optional<uint64_t> remaining() const noexcept {
    return state_ == State::length ? std::optional(left_) : std::nullopt;
  }

  Violation violation() const noexcept { return violation_; }
  bool ends_with_connection() const noexcept { return state_ == State::until_close; }

  // After `end` of a chunked body: the trailer section's lines; empty when there is none.
  std::string_view trailers() const noexcept {
    return trailers_ == nullptr ? std::string_view() : *trailers_;
  }
  void release() noexcept { trailers_.reset(); }

 private:
  enum class State : uint8_t {
    length,
    size_first,
    size,
    extension,
    size_lf,
    data,
    data_cr,
    data_lf,
    trailer,
    until_close,
    done
  };

  Status read_length(Buffer& in, Buffer& out);
  Status read_chunked(Buffer& in, Buffer& out);
  Status read_trailer(Buffer& in);
  bool accept(char c);  // one byte of framing; false: violation
  bool fail(Violation violation) {
    violation_ = violation;
    return false;
  }

  uint64_t left_ = 0;  // bytes of the body, or of the chunk
  std::unique_ptr<std::string> trailers_;
  uint32_t trailer_limit_ = 0;
  uint32_t extension_bytes_ = 0;
  State state_ = State::done;
  uint8_t size_digits_ = 0;
  Violation violation_ = Violation::bad_chunk;
};

}  // namespace onehop::http::h1
