// SPDX-License-Identifier: MIT
// HeadCollector: one header block on its way in. A connection needs one only, because nothing may
// come between a HEADERS frame and its last CONTINUATION (RFC 9113 6.10), and only while it comes.
//
// Its limits are those of HTTP/1.1, and it counts what the same head would be there: a request
// line, a Host, one Cookie of all crumbs, `name: value` and the ends of lines. So a request gets
// the same verdict whatever carries it (docs/decisions/0020-one-verdict.md). Past a limit nothing
// is kept, so a block that is small on the wire and large when unpacked costs no memory (edge cases
// 99, 100).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "onehop/base/arena.h"
#include "onehop/base/recycled.h"
#include "onehop/base/result.h"
#include "onehop/config/config.h"
#include "onehop/http/head.h"
#include "onehop/http/violation.h"

namespace onehop::http::h2 {

// Of a head, as HTTP/1.1 writes it.
struct HeadLimits {
  uint64_t line_bytes = UINT64_MAX;  // of the request line
  uint64_t bytes = 0;                // of all of it
  uint64_t fields = 0;
};

// The largest SETTINGS_MAX_HEADER_LIST_SIZE (RFC 9113 10.5.1) that a head within the limits can
// have, so that whoever heeds what is announced holds none of them back.
uint32_t list_size_of_requests(const HeadLimits& limits);
uint32_t list_size_of_responses(const HeadLimits& limits);

class HeadCollector : public Recycled<HeadCollector, 64> {
 public:
  explicit HeadCollector(const HeadLimits& limits) : limits_(limits) {}

  void add(std::string_view name, std::string_view value, bool never_indexed);

  // The head that was collected, checked and translated: cookie crumbs joined, `:authority` or Host
  // as the authority, no pseudo-field among the fields. Called once; its views live as long as the
  // collector.
  Result<RequestHead, Violation> request(config::Targets targets = config::Targets::strict);
  Result<ResponseHead, Violation> response(Method asked);
  Result<Fields, Violation> trailers();

  // What an interim response costs its sender.
  uint64_t bytes() const noexcept { return bytes_; }
  bool is_head_method() const noexcept { return method_ == "HEAD"; }

 private:
  void add_pseudo(std::string_view name, std::string_view value);
  void add_crumb(std::string_view crumb);
  void count(std::string_view name, std::string_view value);
  void keep(const Field& field);
  Fields fields();
  std::optional<Violation> violation() const noexcept;

  HeadLimits limits_;
  Arena arena_;
  Fields fields_;           // without pseudo-fields, the crumbs, and a Host beside an authority
  std::span<char> cookie_;  // the crumbs that came, and room for more
  size_t cookie_size_ = 0;
  uint64_t line_bytes_ = 0;  // of the request line
  uint64_t bytes_ = 2;       // of the head, with its empty line
  uint64_t count_ = 0;       // of its fields
  uint32_t crumbs_ = 0;
  uint32_t hosts_ = 0;
  bool hosts_agree_ = true;     // with the authority
  bool secret_cookie_ = false;  // a crumb of it is never indexed
  std::string_view method_, scheme_, path_, authority_, protocol_, status_;
};

}  // namespace onehop::http::h2
