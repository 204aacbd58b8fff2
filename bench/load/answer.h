// SPDX-License-Identifier: MIT
// Where an answer ends, what its status is, and whether the connection may be used again.
//
// The one idea: this parser is not the proxy's. A load generator that shared it would believe
// whatever the proxy believes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "../origin/request.h"

namespace onehop::bench {

// Reads one answer out of pieces of any size; interim answers (1xx) are passed over.
class AnswerReader {
 public:
  enum class State { head, body, until_close, done, unreadable };

  void start();
  // Not after done or unreadable.
  State feed(std::string_view bytes);
  // The server has closed: an answer without framing is done by that.
  State on_close();

  [[nodiscard]] int status() const { return status_; }       // once the head was read
  [[nodiscard]] bool started() const { return started_; }    // a byte has come
  [[nodiscard]] bool reusable() const { return reusable_; }  // after done
  // The memory of a head that came in pieces.
  void release() { std::string().swap(partial_); }

 private:
  std::string_view take_head(std::string_view bytes);
  State apply_head(std::string_view head);
  State feed_body(std::string_view bytes);

  State state_ = State::done;
  BodyReader body_;
  std::string partial_;  // of a head that did not come in one piece
  int status_ = 0;
  bool started_ = false;
  bool reusable_ = true;
};

}  // namespace onehop::bench
