// SPDX-License-Identifier: MIT
// What the bench origin understands of a request: its head, and where its body ends.
//
// The one idea: both are pure functions of bytes, so a request may arrive in any number of pieces
// and a body of any size passes through without being kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace onehop::bench {

enum class Framing { none, length, chunked };

// The views point into the bytes given to `parse_head` and live as long as those.
struct RequestHead {
  std::string_view method;
  std::string_view target;
  Framing framing = Framing::none;
  std::uint64_t content_length = 0;
  bool keep_alive = true;
};

// `head` runs from the request line up to the empty line, without it. Nothing: not a request.
[[nodiscard]] std::optional<RequestHead> parse_head(std::string_view head);

// One field of a request or an answer. False: nobody can say where the body ends.
[[nodiscard]] bool apply_field(RequestHead& head, std::string_view name, std::string_view value);

// Calls visit(name, value) for each field line until it returns false, and returns whether one did
// not. A line without a colon is none.
template <class Visit>
[[nodiscard]] bool all_fields(std::string_view lines, Visit visit) {
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find("\r\n"));
    lines.remove_prefix(line.size() < lines.size() ? line.size() + 2 : line.size());
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) return false;
    if (!visit(line.substr(0, colon), line.substr(colon + 1))) return false;
  }
  return true;
}

// Cuts a body out of a stream of bytes, one piece at a time.
class BodyReader {
 public:
  struct Piece {
    std::size_t consumed_bytes = 0;  // of the input, framing included
    std::size_t data_bytes = 0;      // of the body among them
  };

  // Begins the body that `head` announces; one of length zero is done at once.
  void start(const RequestHead& head);

  // Takes a first part of `input`, which must not be empty. Call again while neither done nor
  // failed.
  [[nodiscard]] Piece next(std::string_view input);

  [[nodiscard]] bool done() const { return state_ == State::done; }
  [[nodiscard]] bool failed() const { return state_ == State::failed; }

 private:
  // size -> extension -> data -> data_end -> size ... -> (size 0) trailer_start -> done
  //                                             trailer_start <-> trailer_line
  enum class State {
    plain,
    size,
    extension,
    data,
    data_end,
    trailer_start,
    trailer_line,
    done,
    failed
  };

  void on_framing_byte(char byte);
  void on_size_byte(char byte);

  State state_ = State::done;
  std::uint64_t left_bytes_ = 0;
  int digit_count_ = 0;
};

}  // namespace onehop::bench
