// SPDX-License-Identifier: MIT
// What a head must be before it is believed, whatever the parser library lets through: edge cases
// 46 to 58. Pure functions over text; the table in tests/unit/http/h1/strict_test.cc has a row per
// rule.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "onehop/base/result.h"
#include "onehop/http/violation.h"

namespace onehop::http::h1 {

// What one pass over the bytes of a head saw.
struct HeadBytes {
  bool bare_line_end = false;       // CR without LF or LF without CR (RFC 9112 2.2)
  bool control = false;             // NUL and other controls (RFC 9110 5.5)
  bool folded = false;              // a line that begins with a blank (RFC 9112 5.2)
  bool blank_before_colon = false;  // perhaps in a value, where it is harmless (RFC 9112 5.1)
  bool nameless = false;            // a line that begins with a colon (RFC 9110 5.1)
};
HeadBytes look_at(std::string_view head);

// Make a response head regular, in place (RFC 9112 5.1, 5.2): a fold, with the blanks around it,
// becomes one space, so that what is returned may be shorter; blanks before a colon go behind it.
std::span<char> unfold(std::span<char> head);
void move_blanks_behind_colon(std::span<char> head);

struct RequestLine {
  std::string_view method;
  std::string_view target;
  uint8_t version_minor = 1;
};
// `line` without its CR LF: exactly one space between the parts, HTTP/1.x (RFC 9112 3). The minor
// version is 0 or 1: a later one is understood as that (RFC 9110 2.5).
Result<RequestLine, Violation> split_request_line(std::string_view line);

struct StatusLine {
  int status = 0;
  std::string_view reason;
  uint8_t version_minor = 1;
};
Result<StatusLine, Violation> split_status_line(std::string_view line);

}  // namespace onehop::http::h1
