// SPDX-License-Identifier: MIT
#include "exchange_deadlines.h"

namespace onehop::proxy {

void ExchangeDeadlines::watch_body(BodyKind kind) {
  const auto ms = [](config::milliseconds limit) { return static_cast<uint64_t>(limit.count()); };
  const BodyPace::Limits limits{.grace_ms = ms(client_.request_body),
                                .rate = client_.request_body_min_rate,
                                .idle_ms = ms(client_.request_body_idle)};
  pace_.begin(kind, limits, loop_.now_ms());
  look_at_body_later();
}

void ExchangeDeadlines::body_came(BodyKind kind, size_t bytes) {
  if (!body_.armed()) return watch_body(kind);
  pace_.came(bytes, loop_.now_ms());
  look_at_body_later();
}

void ExchangeDeadlines::look_at_body_later() {
  const uint64_t wait = pace_.wait_ms(loop_.now_ms());
  if (wait > 0) loop_.arm(body_, wait);
}

void ExchangeDeadlines::on_body() {
  const Outcome outcome = pace_.verdict(loop_.now_ms());
  if (outcome == Outcome::ok) return look_at_body_later();
  events_.on_body_late(outcome);
}

void ExchangeDeadlines::stop() noexcept {
  silence_.disarm();
  request_.disarm();
  body_.disarm();
}

}  // namespace onehop::proxy
