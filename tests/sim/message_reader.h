// SPDX-License-Identifier: MIT
// What the scripted ends of the simulation know of HTTP: bodies that say whose they are, and an
// incremental reader of messages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace onehop::test {

// A body is the tag of its request, again and again: a byte of another one shows.
std::string tag_of(uint64_t id);
std::string tagged_body(uint64_t id, size_t size);
bool is_tagged(std::string_view piece, uint64_t id, uint64_t offset);

// `body` in chunks of at most `size` bytes.
std::string in_chunks(std::string_view body, size_t size);

// The number in "/r/17" of a request line, or of a field; UINT64_MAX when there is none.
uint64_t number_in(std::string_view text);

class MessageReader {
 public:
  enum class Got : uint8_t { nothing, head, body, end, bad };

  void add(std::string_view bytes);
  // After `head` its owner says what follows, with one of the four below.
  Got next();

  std::string_view head() const { return head_; }
  std::string_view start_line() const { return head().substr(0, head_.find("\r\n")); }
  std::string_view field(std::string_view lower_case_name) const;  // "" when absent
  std::string_view piece() const { return piece_; }                // of `body`
  uint64_t body_bytes() const { return body_bytes_; }              // before this piece
  bool between_messages() const { return state_ == State::head && position_ == input_.size(); }
  bool until_close() const { return state_ == State::until_close; }

  void no_message() { state_ = State::head; }  // an interim response: no end follows
  void body_length(uint64_t bytes);
  void body_chunked() { state_ = State::chunk_size; }
  void body_until_close() { state_ = State::until_close; }
  void body_by_fields();  // chunked, a length, or none

 private:
  enum class State : uint8_t {
    head,
    decide,
    length,
    chunk_size,
    chunk_data,
    chunk_end,
    trailers,
    until_close
  };
  bool take_line(std::string_view& line);
  Got take_body(uint64_t limit);

  std::string input_;
  size_t position_ = 0;
  std::string head_;
  std::string_view piece_;
  uint64_t left_ = 0;
  uint64_t body_bytes_ = 0;
  uint64_t counted_ = 0;
  State state_ = State::head;
};

}  // namespace onehop::test
