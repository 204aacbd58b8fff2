// SPDX-License-Identifier: MIT
// HeadBlock: a head or trailer section as nghttp2 wants it, names in lower case. Framing and
// connection fields are never copied: an HTTP/2 message has none (RFC 9113 8.2.2).
#pragma once

#include <nghttp2/nghttp2.h>

#include <string_view>
#include <vector>

#include "onehop/base/arena.h"
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
  void start();
  void add(std::string_view name, std::string_view value);
  void add_number(std::string_view name, uint64_t value);
  void add_fields(const Fields& fields);

  Arena arena_;
  std::vector<nghttp2_nv> pairs_;
};

// One per thread: blocks are built and submitted within one call.
HeadBlock& head_block();

}  // namespace onehop::http::h2
