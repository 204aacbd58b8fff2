// SPDX-License-Identifier: MIT
// What a head must be before it is believed, whatever the parser library lets through: edge cases
// 42 to 65. Pure functions over text; the table in tests/unit/http/h1/strict_test.cc has a row per
// rule.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "onehop/base/result.h"
#include "onehop/config/config.h"
#include "onehop/http/fields.h"
#include "onehop/http/head.h"
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

// Takes an absolute target apart, checks every character, and settles the authority between target
// and Host (RFC 9112 3.2).
struct Target {
  std::string_view path;       // origin-form or "*"
  std::string_view authority;  // empty only where HTTP/1.0 allows no Host
};
Result<Target, Violation> check_target(std::string_view target, Method method, const Fields& fields,
                                       uint8_t version_minor,
                                       config::Targets allowed = config::Targets::strict);

// No byte of a target may be a control, a space or `#` (a fragment never travels); before the query
// none may be `\`, which some read as `/` (browsers send it as it is behind the `?`); bytes outside
// ASCII only if `allowed`: RFC 9110 4.2, edge case 61, docs/decisions/0019.
bool has_forbidden_character(std::string_view target, config::Targets allowed);

// uri-host [":" port], without user information (RFC 9110 7.2).
bool is_authority(std::string_view text);

}  // namespace onehop::http::h1
