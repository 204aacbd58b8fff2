// SPDX-License-Identifier: MIT
// Where a request goes, as its target and its host say it, in either protocol: edge cases 59 to 61.
// Pure functions over text; tests/unit/http/target_test.cc has a row per rule.
#pragma once

#include <cstdint>
#include <string_view>

#include "onehop/base/result.h"
#include "onehop/config/config.h"
#include "onehop/http/fields.h"
#include "onehop/http/head.h"
#include "onehop/http/violation.h"

namespace onehop::http {

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

}  // namespace onehop::http
