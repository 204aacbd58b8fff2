// SPDX-License-Identifier: MIT
#include "attempt.h"

#include <utility>

namespace onehop::proxy {

Attempt::Started Attempt::start(upstream::Endpoint& endpoint, upstream::Want want) {
  endpoint_ = &endpoint;
  endpoint.begin_request();
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
  stream_ = &lease_.open_stream(*this);
}

void Attempt::on_lease(upstream::Lease lease) {
  take(std::move(lease));
  events_.on_stream(*stream_);
}

void Attempt::on_no_lease(const upstream::LeaseError& error) {
  error_ = error;
  events_.on_no_stream(error);
}

void Attempt::finish(int status, Outcome outcome) {
  if (endpoint_ == nullptr) return;
  count(status, outcome);
  cancel();
}

void Attempt::give_way(Outcome outcome) {
  if (endpoint_ == nullptr) return;
  count(0, outcome);
  endpoint_->counters().retries.add();
  cancel();
}

// Every try has an outcome; without a stream the endpoint never had the request.
void Attempt::count(int status, Outcome outcome) {
  telemetry::EndpointShard& counters = endpoint_->counters();
  if (stream_ != nullptr) counters.requests.add(static_cast<size_t>(status / 100));
  counters.outcomes.add(static_cast<size_t>(outcome));
}

void Attempt::cancel() {
  upstream::Endpoint* endpoint = std::exchange(endpoint_, nullptr);
  if (endpoint == nullptr) return;
  leave();
  stream_ = nullptr;
  endpoint->end_request();
  // Last, because somebody who waits may be served in this call.
  upstream::Lease lease = std::move(lease_);
  lease.release();
}

}  // namespace onehop::proxy
