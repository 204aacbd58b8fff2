// SPDX-License-Identifier: MIT
#include "onehop/proxy/outcome.h"

#include <cerrno>

namespace onehop::proxy {
namespace {

constexpr OutcomeRow kOutcomes[] = {
#define X(name, side, status, error, again, sentence) \
  {#name, Side::side, status, error, Again::again, sentence},
    ONEHOP_OUTCOMES(X)
#undef X
};

// An answer of our own that is no error is nobody's fault.
telemetry::OutcomeClass class_of(const OutcomeRow& row) {
  using telemetry::OutcomeClass;
  if (row.status < 400) return OutcomeClass::ok;
  switch (row.side) {
    case Side::none:
      return OutcomeClass::ok;
    case Side::downstream:
      return OutcomeClass::client;
    case Side::upstream:
      return OutcomeClass::upstream;
    case Side::local:
      return OutcomeClass::onehop;
  }
  return OutcomeClass::onehop;
}

}  // namespace

const OutcomeRow& row_of(Outcome outcome) {
  return kOutcomes[static_cast<size_t>(outcome)];
}

std::vector<telemetry::OutcomeName> outcome_names() {
  std::vector<telemetry::OutcomeName> names;
  for (const OutcomeRow& row : kOutcomes) names.push_back({row.name, class_of(row)});
  return names;
}

Outcome outcome_of_request(http::Violation violation) {
  using http::Violation;
  switch (violation) {
    case Violation::bad_start_line:
    case Violation::bad_target:
    case Violation::bad_line_end:
    case Violation::bad_field:
    case Violation::too_many_options:
    case Violation::bad_host:
    case Violation::bad_content_length:
    case Violation::bad_transfer_encoding:
    case Violation::length_and_encoding:
    case Violation::bad_chunk:
    case Violation::bad_trailer:
    case Violation::protocol_error:
    case Violation::too_many_interim:
    case Violation::bad_switch:
    case Violation::bad_websocket_accept:
    case Violation::surplus:
      return Outcome::bad_request;
    case Violation::bad_method:
      return Outcome::method_unknown;
    case Violation::unknown_transfer_coding:
      return Outcome::coding_unknown;
    case Violation::bad_version:
      return Outcome::version_unknown;
    case Violation::start_line_too_long:
      return Outcome::target_too_long;
    case Violation::head_too_large:
    case Violation::too_many_fields:
      return Outcome::head_too_large;
    case Violation::head_timeout:
      return Outcome::request_head_timeout;
    case Violation::incomplete:
      return Outcome::request_incomplete;
    case Violation::write_timeout:
      return Outcome::client_stalled;
    case Violation::stopped:
      return Outcome::stopped;
    case Violation::not_taken:
      return Outcome::client_shed;
    case Violation::half_closed:
      return Outcome::client_half_closed;
    case Violation::gone:
      return Outcome::client_gone;
  }
  return Outcome::bad_request;
}

Outcome outcome_of_response(http::Violation violation, bool reused) {
  using http::Violation;
  switch (violation) {
    case Violation::gone:
      return reused ? Outcome::upstream_closed_idle : Outcome::upstream_closed;
    case Violation::stopped:  // by the pool of an endpoint that leaves: nobody else stops it
      return Outcome::endpoint_drain_timeout;
    case Violation::incomplete:
      return Outcome::upstream_incomplete;
    case Violation::head_too_large:
    case Violation::too_many_fields:
      return Outcome::upstream_head_too_large;
    case Violation::bad_start_line:
    case Violation::bad_method:
    case Violation::bad_target:
    case Violation::bad_version:
    case Violation::bad_line_end:
    case Violation::bad_field:
    case Violation::too_many_options:
    case Violation::bad_host:
    case Violation::bad_content_length:
    case Violation::bad_transfer_encoding:
    case Violation::unknown_transfer_coding:
    case Violation::length_and_encoding:
    case Violation::bad_chunk:
    case Violation::bad_trailer:
    case Violation::protocol_error:
    case Violation::too_many_interim:
    case Violation::bad_switch:
    case Violation::bad_websocket_accept:
    case Violation::start_line_too_long:
    case Violation::head_timeout:
    case Violation::write_timeout:
    case Violation::not_taken:
    case Violation::half_closed:
    case Violation::surplus:
      return Outcome::upstream_bad_response;
  }
  return Outcome::upstream_bad_response;
}

Outcome outcome_of(const upstream::LeaseError& error) {
  using upstream::NoLease;
  switch (error.why) {
    case NoLease::connect_failed:
      if (error.network.is_tls_failure()) return Outcome::tls_failed;
      return error.network.number == ECONNREFUSED ? Outcome::connect_refused
                                                  : Outcome::connect_failed;
    case NoLease::connect_timeout:
      return Outcome::connect_timeout;
    case NoLease::slow:
      return Outcome::connect_slow;
    case NoLease::local_fault:
      return Outcome::local_fault;
    case NoLease::queue_full:
      return Outcome::queue_full;
    case NoLease::queue_timeout:
      return Outcome::queue_timeout;
    case NoLease::leaving:
      return Outcome::endpoint_left;
  }
  return Outcome::connect_failed;
}

}  // namespace onehop::proxy
