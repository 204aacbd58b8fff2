// SPDX-License-Identifier: MIT
#include "retry_policy.h"

#include <bit>
#include <utility>

namespace onehop::proxy {

FailedAttempt failure_of(const http::StreamError& why, Outcome outcome, http::Method method,
                         const SentBody& body) {
  const bool cut_off =
      why.violation == http::Violation::gone || why.violation == http::Violation::stopped;
  const bool untouched = cut_off && !why.sent_anything;
  return {.outcome = outcome,
          .refused = why.refused,
          .unseen = why.refused || untouched,
          // A stream that was reset alone was looked at: that is the answer to it.
          .repeatable = http::is_idempotent(method) && !why.connection_lives,
          .whole = body.whole()};
}

// It was not tried: it left first, and may be back.
void RetryPolicy::forget_current() {
  const uint8_t last = --tried_count_;
  const auto bit = static_cast<uint16_t>(1u << current_);
  for (uint16_t* bits : {&sound_, &slow_}) {
    const bool of_last = (*bits >> last & 1) != 0;
    *bits = static_cast<uint16_t>(of_last ? *bits | bit : *bits & ~bit);
    *bits = static_cast<uint16_t>(*bits & ~(1u << last));
  }
  tried_[current_] = tried_[last];
  --attempts_;
}

bool RetryPolicy::allows(const FailedAttempt& failure, uint32_t retries) {
  if (failure.outcome == Outcome::endpoint_left) {
    forget_current();
    return true;
  }
  if (failure.outcome == Outcome::connect_slow) {
    slow_ = static_cast<uint16_t>(slow_ | 1u << current_);
    sound_ = static_cast<uint16_t>(sound_ | slow_);
    --attempts_;
    return tried_count_ < kMostAttempts;
  }
  const Again again = failure.unseen ? Again::unseen : row_of(failure.outcome).again;
  const auto bit = static_cast<uint16_t>(1u << current_);
  const bool sound =
      again == Again::unseen || again == Again::if_reused || again == Again::if_proven;
  sound_ = static_cast<uint16_t>(sound ? sound_ | bit : sound_ & ~bit);
  slow_ = static_cast<uint16_t>(slow_ & ~bit);
  // Where one connection had gone, those that lie beside it may have gone, too.
  if (!failure.refused && !failure.shared && again != Again::elsewhere)
    connection_ = Connection::fresh;
  // A dial that goes on is no other attempt.
  back_alone_ = attempts_ > retries || attempts_ >= kMostAttempts;
  if (back_alone_) return again == Again::elsewhere && slow_ != 0;
  switch (again) {
    case Again::never:
      return false;
    case Again::elsewhere:
      return true;
    case Again::unseen:
      return failure.whole;
    case Again::if_reused:
      return failure.repeatable && failure.whole && !std::exchange(was_stale_, true);
    case Again::if_proven:
      return failure.proven && failure.whole && !std::exchange(was_stale_, true);
    case Again::once_elsewhere:
      return failure.repeatable && failure.whole && !std::exchange(was_unanswered_, true);
  }
  return false;
}

std::optional<RetryPolicy::Next> RetryPolicy::next(std::optional<upstream::EndpointId> another) {
  const bool comes_back = !another.has_value() || back_alone_;
  const uint16_t back = back_alone_ ? slow_ : sound_;
  if (!comes_back) {
    current_ = tried_count_++;
    tried_[current_] = *another;
  } else if (back != 0) {
    current_ = static_cast<uint8_t>(std::bit_width(back) - 1);
  } else {
    return std::nullopt;
  }
  ++attempts_;
  return Next{tried_[current_], connection_, comes_back};
}

std::optional<RetryPolicy::Next> RetryPolicy::instead() {
  sound_ = static_cast<uint16_t>(sound_ & ~(1u << current_));
  slow_ = static_cast<uint16_t>(slow_ & ~(1u << current_));
  --attempts_;
  return next(std::nullopt);
}

}  // namespace onehop::proxy
