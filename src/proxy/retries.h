// SPDX-License-Identifier: MIT
// Retries: whether a request that failed at its endpoint may go out again to it, and how often it
// has. Only when nothing can be done twice by it (RFC 9110 9.2.2, RFC 9112 9.3.1, RFC 9113 8.7).
#pragma once

#include <cstdint>

#include "onehop/http/head.h"
#include "onehop/http/stream.h"
#include "onehop/proxy/outcome.h"
#include "sent_body.h"

namespace onehop::proxy {

class Retries {
 public:
  // `limit` is the upstream's; nothing of the response has come.
  bool allowed(const http::StreamError& why, Outcome outcome, http::Method method,
               const SentBody& body, uint32_t limit) const {
    if (limit == 0) return false;
    // Nothing was done for it, and that may be so again: an endpoint that ends its connections
    // after so many requests refuses what is on its way to each.
    if (why.refused) return refusals_ < kMostRefusals && body.whole();
    if (retries_ >= limit) return false;
    if (why.violation == http::Violation::gone && !why.sent_anything) return body.whole();
    return row_of(outcome).again == Again::if_reused && body.untouched() &&
           http::is_idempotent(method);
  }

  void count(const http::StreamError& why) { ++(why.refused ? refusals_ : retries_); }

 private:
  static constexpr uint8_t kMostRefusals = 10;
  uint8_t retries_ = 0;
  uint8_t refusals_ = 0;
};

}  // namespace onehop::proxy
