// SPDX-License-Identifier: MIT
#include "attempt.h"

#include <utility>

#include "access_notes.h"
#include "request_end.h"

namespace onehop::proxy {

Attempt::Started Attempt::start(upstream::Endpoint& endpoint, upstream::Want want) {
  use_ = upstream::EndpointUse(endpoint);
  detail_ = {};
  call_failed_ = false;
  if (notes_ != nullptr) notes_->attempt_begins(endpoint.name());
  auto acquired = endpoint.pool().acquire(*this, want);
  if (auto* lease = std::get_if<upstream::Lease>(&acquired)) {
    take(std::move(*lease));
    return Started::streaming;
  }
  if (const auto* error = std::get_if<upstream::LeaseError>(&acquired)) {
    error_ = *error;
    return Started::refused;
  }
  return std::get<upstream::Waiting>(acquired) == upstream::Waiting::for_dial ? Started::dialing
                                                                              : Started::queued;
}

void Attempt::take(upstream::Lease lease) {
  lease_ = std::move(lease);
  if (notes_ != nullptr) notes_->lent(lease_.reused(), lease_.age_ms());
  stream_ = &lease_.open_stream(*this);
}

void Attempt::on_lease(upstream::Lease lease) {
  take(std::move(lease));
  events_.on_stream(*stream_);
}

void Attempt::on_no_lease(const upstream::LeaseError& error) {
  error_ = error;
  // What of TLS went wrong is a line of its own, once; the number says nothing of it.
  const bool says_more = error.network.number != 0 && !error.network.is_tls_failure();
  detail_ = says_more ? error.network.sentence() : std::string_view();
  events_.on_no_stream(error);
}

void Attempt::finish(int status, Outcome outcome) {
  if (!active()) return;
  count(status, outcome, Next::nothing);
  cancel();
}

void Attempt::give_way(Outcome outcome) {
  if (!active()) return;
  count(0, outcome, Next::another_try);
  if (outcome != Outcome::endpoint_left) use_->counters().retries.add();
  if (outcome == Outcome::upstream_refused) lease_.turned_away();
  cancel();
}

// Every try has an outcome; without a stream the endpoint never had the request.
void Attempt::count(int status, Outcome outcome, Next next) {
  telemetry::EndpointShard& counters = use_->counters();
  if (stream_ != nullptr) counters.requests.add(telemetry::status_class(status));
  counters.outcomes.add(static_cast<size_t>(outcome));
  if (notes_ != nullptr) notes_->attempt_ends(outcome);
  use_.answered(upstream::Answer::bad);  // where it had no word yet
  // A call of gRPC that fails through its endpoint does so with a status of 200.
  use_->ended(request_end(call_failed_ ? 503 : status, outcome));
  if (outcome != Outcome::ok && failures_ != nullptr && FailureLog::concerns(outcome))
    log_failure(outcome, next);
}

void Attempt::log_failure(Outcome outcome, Next next) const {
  Failure failure;
  failure.upstream = use_->upstream();
  failure.endpoint = use_->name();
  failure.route = route_;
  const http::Field* id = request_.fields.find(http::FieldId::x_request_id);
  if (id != nullptr) failure.request_id = id->value;
  failure.method = request_.method_text;
  failure.target = request_.target;
  failure.outcome = outcome;
  failure.detail = detail_;
  failure.tried_again = next == Next::another_try;
  failures_->say(failure);
}

void Attempt::cancel() {
  if (!active()) return;
  leave();
  stream_ = nullptr;
  use_.end();
  // Last, because somebody who waits may be served in this call.
  upstream::Lease lease = std::move(lease_);
  lease.release();
}

}  // namespace onehop::proxy
