// SPDX-License-Identifier: MIT
#include "request_end.h"

namespace onehop::proxy {
namespace {

using config::Failure;
using upstream::RequestEnd;

RequestEnd failed(Failure how) {
  return {RequestEnd::Says::failed, how};
}

RequestEnd answered(int status) {
  if (status == 0) return {};
  if (status < 500) return {RequestEnd::Says::well};
  if (status == 502) return failed(Failure::http_502);
  if (status == 503) return failed(Failure::http_503);
  if (status == 504) return failed(Failure::http_504);
  return failed(Failure::http_5xx);
}

}  // namespace

// By what the table of outcomes knows: who is at fault, and what may follow.
RequestEnd request_end(int status, Outcome outcome) {
  const OutcomeRow& row = row_of(outcome);
  if (outcome == Outcome::upstream_refused) return failed(Failure::http_503);
  // The pooled connection had been closed; or the dial goes on.
  const bool was_closed = row.again == Again::if_reused || row.again == Again::if_proven;
  if (was_closed || outcome == Outcome::connect_slow) return {};
  if (row.side != Side::upstream) return answered(status);
  if (row.again == Again::elsewhere) return failed(Failure::connect);
  return failed(row.status == 504 ? Failure::timeout : Failure::reset);
}

}  // namespace onehop::proxy
