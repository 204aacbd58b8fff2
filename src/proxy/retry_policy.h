// SPDX-License-Identifier: MIT
// RetryPolicy: the one place that decides, after an attempt that came to nothing, whether and where
// its request goes again. One of a request, for all of its attempts.
//
//   where   another endpoint first; the same one only when no other is left, and only if it did not
//           fail, such as one that turned the request away or had closed a pooled connection
//   whether by the row of the outcome: never where the endpoint may have acted on the request,
//           unless the method is idempotent (RFC 9110 9.2.2), and only with the whole body at hand
//   often   `upstream.retries` bounds all of them together, whatever the reasons were, but for an
//           endpoint that left while it was waited for, or was slow to accept a connection and has
//           an address beside it to be tried (RFC 8305); where the endpoint may have seen the
//           request, each reason counts once, so that a request that kills who answers it does not
//           go round
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "onehop/http/stream.h"
#include "onehop/proxy/outcome.h"
#include "onehop/upstream/endpoint_set.h"
#include "sent_body.h"

namespace onehop::proxy {

// How an attempt failed.
struct FailedAttempt {
  Outcome outcome = Outcome::connect_failed;
  bool refused = false;     // by HTTP/2, which is nobody's fault if another attempt follows
  bool unseen = false;      // nothing can have been done for it, so it may go out again
  bool repeatable = false;  // it may be done twice: an idempotent method
  bool proven = false;      // proven_unseen, and `retry_unseen` is set
  bool whole = true;        // all of the body is at hand
  bool shared = false;      // its connection had many streams, and is replaced by one for all

  // How the request ends where none follows.
  Outcome ends_with() const {
    return outcome == Outcome::endpoint_left ? Outcome::no_endpoint : outcome;
  }

  // How the attempt is counted when another one follows.
  Outcome gives_way() const { return refused ? Outcome::upstream_refused : outcome; }
};

// Of an attempt that had a stream and nothing of a response.
FailedAttempt failure_of(const http::StreamError& why, Outcome outcome, http::Method method,
                         const SentBody& body);

class RetryPolicy {
 public:
  static constexpr size_t kMostAttempts = 16;

  enum class Connection : uint8_t { any, fresh };
  struct Next {
    upstream::EndpointId endpoint;
    Connection connection = Connection::any;
    bool comes_back = false;  // no other endpoint is left
  };

  // The endpoints that had their turn: none of them is another one.
  std::span<const upstream::EndpointId> tried() const {
    return std::span(tried_).first(tried_count_);
  }

  // Whether another attempt may follow this one. Notes the failure; once after each attempt.
  bool allows(const FailedAttempt& failure, uint32_t retries);

  // The next attempt, also the first. `another` is the endpoint that was picked beside tried(), and
  // need not be the one. Nothing: no endpoint is left.
  std::optional<Next> next(std::optional<upstream::EndpointId> another);

  // The same instead of the one that next() said, whose endpoint is there no more.
  std::optional<Next> instead();

  // The endpoint of the last attempt; there was one.
  upstream::EndpointId current() const { return tried_[current_]; }

 private:
  void forget_current();

  std::array<upstream::EndpointId, kMostAttempts> tried_{};
  uint16_t sound_ = 0;  // a bit for each of them: it is no worse for its last attempt
  uint16_t slow_ = 0;   // and its dial goes on
  uint8_t tried_count_ = 0;
  uint8_t current_ = 0;  // the place in tried_ of the last attempt's
  uint8_t attempts_ = 0;
  Connection connection_ = Connection::any;
  bool back_alone_ = false;  // the retries are used up: where a dial goes on, and nowhere else
  bool was_stale_ = false;
  bool was_unanswered_ = false;
};

}  // namespace onehop::proxy
