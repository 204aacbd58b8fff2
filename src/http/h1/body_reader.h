// SPDX-License-Identifier: MIT
// Takes the body of a message out of the bytes of its connection: by length, by chunks (RFC
// 9112 7.1), or until the connection ends. Body bytes are moved; the framing around them is checked
// strictly and dropped. The data of small chunks is copied together instead, so that what follows
// costs as much for one read as for another, whatever it is cut into.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "../turn_share.h"
#include "chunk_framing.h"
#include "onehop/base/buffer.h"
#include "onehop/http/head.h"
#include "onehop/http/violation.h"

namespace onehop::http::h1 {

class BodyReader {
 public:
  // `paused`: the share of the turn is used up, and more is there to be read in a later one.
  enum class Status : uint8_t { more, paused, end, failed };

  // Chunks that are read of one connection in a turn. A client that sends bodies in chunks of one
  // byte would have turns of milliseconds for itself otherwise: as many as 80,000 are in one read.
  static constexpr uint32_t kChunksPerTurn = 2048;

  void start_length(uint64_t bytes);
  void start_chunked(size_t trailer_limit);  // bytes of the trailer section
  void start_until_close();

  // Moves what is body from `in` to `out`, as far as the share of `turn` (Loop::turn()) goes. After
  // `end`, what is left in `in` belongs to the next message.
  Status read(Buffer& in, Buffer& out, uint64_t turn);

  // How much is still to come, where a length says so.
  std::optional<uint64_t> remaining() const noexcept {
    return state_ == State::length ? std::optional(left_) : std::nullopt;
  }

  Violation violation() const noexcept { return violation_; }
  bool ends_with_connection() const noexcept { return state_ == State::until_close; }

  // After `end` of a chunked body: the trailer section's lines; empty when there is none.
  std::string_view trailers() const noexcept {
    return trailers_ == nullptr ? std::string_view() : trailers_->lines();
  }
  void release() noexcept { trailers_.reset(); }

 private:
  enum class State : uint8_t { length, chunked, until_close, done };

  Status read_length(Buffer& in, Buffer& out);
  Status read_chunked(Buffer& in, Buffer& out, uint64_t turn);
  void read_data(Buffer& in, Buffer& out);
  size_t collect_small(std::string_view bytes, Buffer& out, uint32_t most);
  Status read_trailers(Buffer& in);
  Status fail(Violation violation) {
    violation_ = violation;
    return Status::failed;
  }

  uint64_t left_ = 0;  // of a body of known length
  ChunkFraming chunks_;
  TurnShare share_{kChunksPerTurn};
  std::unique_ptr<TrailerSection> trailers_;
  uint32_t trailer_limit_ = 0;
  State state_ = State::done;
  Violation violation_ = Violation::bad_chunk;
};

}  // namespace onehop::http::h1
