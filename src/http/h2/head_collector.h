// SPDX-License-Identifier: MIT
// HeadCollector: one header block on its way in. A connection needs one only, because nothing may
// come between a HEADERS frame and its last CONTINUATION (RFC 9113 6.10).
//
// Its limits are those of HTTP/1.1, counted as RFC 9113 10.5.1 counts: every field, also each
// crumb of a cookie, with 32 bytes more than its text. Past a limit nothing is kept, so a block
// that is small on the wire and large when unpacked costs no memory (edge cases 99, 100).
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "onehop/base/arena.h"
#include "onehop/base/result.h"
#include "onehop/config/config.h"
#include "onehop/http/head.h"
#include "onehop/http/violation.h"

namespace onehop::http::h2 {

class HeadCollector {
 public:
  // `most_bytes` and `most_fields` of a head.
  HeadCollector(uint64_t most_bytes, uint64_t most_fields)
      : most_bytes_(most_bytes), most_fields_(most_fields) {}

  void begin();
  void add(std::string_view name, std::string_view value, bool never_indexed);
  bool too_much() const noexcept { return violation_.has_value(); }

  // The head that was collected, checked and translated: cookie crumbs joined, `:authority` or Host
  // as the authority, no pseudo-field among the fields. Its views live until begin().
  Result<RequestHead, Violation> request();
  Result<ResponseHead, Violation> response(Method asked);
  Result<Fields, Violation> trailers();

  // Of a request: what `:protocol` says (RFC 8441); empty otherwise.
  std::string_view protocol() const noexcept { return protocol_; }
  bool is_head_method() const noexcept { return method_ == "HEAD"; }

 private:
  Fields fields();

  uint64_t most_bytes_;
  uint64_t most_fields_;
  Arena arena_;
  std::vector<Field> fields_;  // without pseudo-fields and cookies
  std::vector<std::string_view> crumbs_;
  std::vector<Field> room_;
  uint64_t bytes_ = 0;
  uint64_t count_ = 0;
  bool secret_cookie_ = false;  // a crumb of it is never indexed
  std::optional<Violation> violation_;
  std::string_view method_, path_, authority_, protocol_, status_;
};

}  // namespace onehop::http::h2
