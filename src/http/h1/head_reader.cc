// SPDX-License-Identifier: MIT
#include "head_reader.h"

#include <algorithm>
#include <string_view>

#include "onehop/base/ascii.h"

namespace onehop::http::h1 {
namespace {

constexpr std::string_view kEnd = "\r\n\r\n";

// A line feed without its carriage return, at `from` or behind it, which means that the empty line
// would never be found.
bool has_bare_line_feed(std::string_view text, size_t from) {
  for (size_t at = text.find('\n', from); at != std::string_view::npos;
       at = text.find('\n', at + 1)) {
    if (at == 0 || text[at - 1] != '\r') return true;
  }
  return false;
}

}  // namespace

HeadReader::Status HeadReader::feed(Buffer& bytes, size_t line_limit, size_t head_limit) {
  // RFC 9112 2.2: one empty line before a message is tolerated.
  if (partial_.empty() && !skipped_empty_line_ && bytes.front().starts_with("\r\n")) {
    bytes.consume(2);
    skipped_empty_line_ = true;
  }
  if (bytes.empty()) return Status::incomplete;
  if (partial_.empty()) {
    const std::string_view front = bytes.front();
    const size_t end = front.find(kEnd);
    if (end != std::string_view::npos) {
      head_ = bytes.front_writable().first(end + kEnd.size());
      return judge_whole(front.substr(0, end + kEnd.size()), line_limit, head_limit);
    }
  }
  while (!bytes.empty()) {
    const std::string_view front = bytes.front();
    const size_t searched = partial_.size() < 3 ? 0 : partial_.size() - 3;
    const size_t before = partial_.size();
    partial_.append(front);
    if (partial_.starts_with("\r\n") && !skipped_empty_line_) {
      // The tolerated empty line came in two pieces.
      forget();
      skipped_empty_line_ = true;
      bytes.consume(2 - before);
      continue;
    }
    const size_t end = partial_.find(kEnd, searched);
    if (end != std::string::npos) {
      partial_.resize(end + kEnd.size());
      bytes.consume(partial_.size() - before);
      head_ = partial_;
      return judge_whole(partial_, line_limit, head_limit);
    }
    bytes.consume(front.size());
    const Status status = judge_partial(line_limit, head_limit);
    if (status == Status::failed) return status;
  }
  return Status::incomplete;
}

HeadReader::Status HeadReader::judge_whole(std::string_view head, size_t line_limit,
                                           size_t head_limit) {
  const size_t line = line_ != kNoLine ? line_ : head.find("\r\n");
  if (line_limit != 0 && line > line_limit) return fail(Violation::start_line_too_long);
  return head.size() > head_limit ? fail(Violation::head_too_large) : Status::complete;
}

// A head may come in pieces of one byte: what was judged once stays so.
HeadReader::Status HeadReader::judge_partial(size_t line_limit, size_t head_limit) {
  const std::string_view text = partial_;
  if (line_ == kNoLine) line_ = text.find("\r\n", judged_ == 0 ? 0 : judged_ - 1);
  const size_t unfinished = text.ends_with('\r') ? text.size() - 1 : text.size();
  if (line_limit != 0 && std::min(line_, unfinished) > line_limit)
    return fail(Violation::start_line_too_long);
  if (text.size() > head_limit) return fail(Violation::head_too_large);
  if (has_bare_line_feed(text, judged_)) return fail(Violation::bad_line_end);
  // Every start line begins with a letter of a method or of "HTTP": what does not is no HTTP, and
  // waiting for more is pointless.
  if (!is_token_char(text.front()) && text != "\r") return fail(Violation::bad_start_line);
  judged_ = text.size();
  return Status::incomplete;
}

void HeadReader::forget() {
  partial_.clear();
  judged_ = 0;
  line_ = kNoLine;
}

void HeadReader::release(Buffer& bytes) {
  if (partial_.empty()) {
    bytes.consume(head_.size());
  } else {
    std::string().swap(partial_);
    forget();
  }
  head_ = {};
  skipped_empty_line_ = false;
}

}  // namespace onehop::http::h1
