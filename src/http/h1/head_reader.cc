// SPDX-License-Identifier: MIT
#include "head_reader.h"

#include <algorithm>
#include <string_view>

#include "onehop/base/ascii.h"

namespace onehop::http::h1 {
namespace {

constexpr std::string_view kEnd = "\r\n\r\n";

// A line feed without its carriage return, which means that the empty line would never be found.
bool has_bare_line_feed(std::string_view text) {
  for (size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1)) {
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
      return judge(front, end, line_limit, head_limit);
    }
  }
  while (!bytes.empty()) {
    const std::string_view front = bytes.front();
    const size_t searched = partial_.size() < 3 ? 0 : partial_.size() - 3;
    const size_t before = partial_.size();
    partial_.append(front);
    if (partial_.starts_with("\r\n") && !skipped_empty_line_) {
      // The tolerated empty line came in two pieces.
      partial_.clear();
      skipped_empty_line_ = true;
      bytes.consume(2 - before);
      continue;
    }
    const size_t end = partial_.find(kEnd, searched);
    if (end != std::string::npos) {
      partial_.resize(end + kEnd.size());
      bytes.consume(partial_.size() - before);
      head_ = partial_;
      return judge(partial_, end, line_limit, head_limit);
    }
    bytes.consume(front.size());
    const Status status = judge(partial_, std::string_view::npos, line_limit, head_limit);
    if (status == Status::failed) return status;
  }
  return Status::incomplete;
}

HeadReader::Status HeadReader::judge(std::string_view text, size_t end, size_t line_limit,
                                     size_t head_limit) {
  const size_t unfinished = text.ends_with('\r') ? text.size() - 1 : text.size();
  const size_t line = std::min(text.find("\r\n"), unfinished);
  if (line_limit != 0 && line > line_limit) return fail(Violation::start_line_too_long);
  const size_t size = end == std::string_view::npos ? text.size() : end + kEnd.size();
  if (size > head_limit) return fail(Violation::head_too_large);
  if (end != std::string_view::npos) return Status::complete;
  if (has_bare_line_feed(text)) return fail(Violation::bad_line_end);
  // Every start line begins with a letter of a method or of "HTTP": what does not is no HTTP, and
  // waiting for more is pointless.
  if (!is_token_char(text.front()) && text != "\r") return fail(Violation::bad_start_line);
  return Status::incomplete;
}

void HeadReader::release(Buffer& bytes) {
  if (partial_.empty()) {
    bytes.consume(head_.size());
  } else {
    std::string().swap(partial_);
  }
  head_ = {};
  skipped_empty_line_ = false;
}

}  // namespace onehop::http::h1
