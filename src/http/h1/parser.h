// SPDX-License-Identifier: MIT
// From the bytes of a head to a head. llhttp finds the fields; strict.h, target.h and framing.h
// decide what is believed.
//
// llhttp sees the field lines of complete heads only, in one contiguous piece, and never a start
// line or a body: so its spans are whole, nothing is copied, and what it knows of methods, targets
// and framing cannot matter (docs/decisions/0002-llhttp-for-heads.md).
#pragma once

#include <span>
#include <string_view>

#include "onehop/base/result.h"
#include "onehop/config/config.h"
#include "onehop/http/head.h"
#include "onehop/http/violation.h"

namespace onehop::http::h1 {

constexpr size_t kMaxFields = 1000;  // the most that limits.head_fields may be

// The fields of the head that is being read, per thread: heads are parsed and passed on within one
// call.
std::span<Field> field_room();

struct ParsedRequest {
  RequestHead head;
  bool persistent = true;  // as far as the client wishes
};
// `text` ends with the empty line. All views in the result are into `text` and field_room().
Result<ParsedRequest, Violation> parse_request(std::span<char> text, size_t max_fields,
                                               config::Targets targets = config::Targets::strict);

struct ParsedResponse {
  ResponseHead head;
  bool persistent = true;
  int64_t keep_alive_seconds = -1;
  bool has_body = false;
};
// `request` and `upgrade` are what was asked.
Result<ParsedResponse, Violation> parse_response(std::span<char> text, size_t max_fields,
                                                 Method request, std::string_view upgrade);

// The trailer section of a chunked body: field lines, each with its CR LF, without the last empty
// line (RFC 9112 7.1.2). The fields lie in `room`, which may have too few places.
Result<Fields, Violation> parse_trailers(std::string_view text, std::span<Field> room);

}  // namespace onehop::http::h1
