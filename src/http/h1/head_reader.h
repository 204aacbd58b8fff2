// SPDX-License-Identifier: MIT
// Finds the end of a head in what arrives. The usual head comes in one read and is used where it
// lies; one that comes in pieces is gathered in a string that is freed with the head.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "onehop/base/buffer.h"
#include "onehop/http/violation.h"

namespace onehop::http::h1 {

class HeadReader {
 public:
  enum class Status : uint8_t { incomplete, complete, failed };

  // Looks at `bytes`, taking what belongs to an incomplete head. `line_limit` 0: the start line has
  // no limit of its own.
  Status feed(Buffer& bytes, size_t line_limit, size_t head_limit);

  std::span<char> head() noexcept { return head_; }  // after `complete`: with its empty line
  Violation violation() const noexcept { return violation_; }  // after `failed`
  bool started() const noexcept { return !partial_.empty(); }

  // Drops the head that was complete from `bytes`, which is what feed was given.
  void release(Buffer& bytes);

 private:
  static constexpr size_t kNoLine = std::string::npos;

  Status judge_whole(std::string_view head, size_t line_limit, size_t head_limit);
  Status judge_partial(size_t line_limit, size_t head_limit);
  void forget();
  Status fail(Violation violation) {
    violation_ = violation;
    return Status::failed;
  }

  std::string partial_;
  size_t judged_ = 0;      // bytes of it: no byte is looked at for each piece that follows it
  size_t line_ = kNoLine;  // the length of the start line, once it has ended
  std::span<char> head_;
  bool skipped_empty_line_ = false;
  Violation violation_ = Violation::bad_start_line;
};

}  // namespace onehop::http::h1
