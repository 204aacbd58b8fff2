// SPDX-License-Identifier: MIT
#include "at_once.h"

#include "message_fields.h"
#include "onehop/base/ascii.h"

namespace onehop::proxy {

std::optional<AtOnce> answer_at_once(const http::RequestHead& head, const http::Client& client,
                                     const http::ListenerTerms* terms, const config::Limits& limits,
                                     Arena& arena) {
  if (terms != nullptr && terms->config.redirect_to_https != 0) {
    const auto location = https_location(head, client, terms, arena);
    return AtOnce{location.empty() ? Outcome::bad_request : Outcome::redirected, location};
  }
  const uint64_t limit = limits.request_body;
  if (limit != 0 && head.body.kind == http::BodyLength::Kind::known && head.body.bytes > limit)
    return AtOnce{Outcome::body_too_large};
  const http::Field* expect = head.fields.find(http::FieldId::expect);
  if (expect != nullptr && head.version_minor >= 1 &&
      !equals_ignoring_case(expect->value, "100-continue"))
    return AtOnce{Outcome::expectation_unknown};
  if (head.method != http::Method::options && head.method != http::Method::trace)
    return std::nullopt;
  const http::Field* hops = head.fields.find(http::FieldId::max_forwards);
  if (hops == nullptr || parse_decimal(hops->value) != uint64_t{0}) return std::nullopt;
  return AtOnce{head.method == http::Method::options ? Outcome::answered_here
                                                     : Outcome::method_unknown};
}

}  // namespace onehop::proxy
