// SPDX-License-Identifier: MIT
// HeadBlock: a head or trailer section as nghttp2 wants it. Framing and connection fields are never
// copied: an HTTP/2 message has none (RFC 9113 8.2.2).
//
// nghttp2 compresses a head when it writes it, at the end of the turn or later, so it copies what
// it is given, in lower case. Names that are constants of this program it need not copy; values
// live no longer than the call, as they are another message's
// (docs/decisions/0021-what-h2-keeps.md).
#pragma once

#include <nghttp2/nghttp2.h>

#include <array>
#include <string_view>
#include <vector>

#include "onehop/http/head.h"

namespace onehop::http::h2 {

class HeadBlock {
 public:
  // Each starts anew. What they refer to lives until nghttp2 has copied the block.
  void request(const RequestHead& head, std::string_view scheme);
  void response(const ResponseHead& head);  // a 101 is the 200 of RFC 8441 5.1
  void trailers(const Fields& fields);

  const nghttp2_nv* data() const noexcept { return pairs_.data(); }
  size_t size() const noexcept { return pairs_.size(); }

 private:
  using Number = std::array<char, 20>;

  void add(std::string_view constant_name, std::string_view value);
  void add_number(std::string_view constant_name, uint64_t value, Number& room);
  void add_fields(const Fields& fields);

  Number status_;
  Number length_;
  std::vector<nghttp2_nv> pairs_;
};

// One per thread: blocks are built and submitted within one call.
HeadBlock& head_block();

}  // namespace onehop::http::h2
