// SPDX-License-Identifier: MIT
// What is counted of TLS handshakes, on a listener or with an endpoint: rows as those of shard.h,
// for both sides.
#pragma once

#include <array>
#include <string_view>

#include "onehop/telemetry/counter.h"
#include "onehop/telemetry/histogram.h"

namespace onehop::telemetry {

// Why a handshake failed: one row each; the values of the label `reason`.
// X(name, sentence)
// clang-format off
#define ONEHOP_TLS_FAILURES(X) \
  X(timeout, "The handshake took longer than handshake_timeout") \
  X(closed, "The peer closed the connection during the handshake") \
  X(not_tls, "What came is not TLS") \
  X(no_shared_protocol, "No TLS version, cipher or application protocol in common") \
  X(certificate_unverified, "The peer's certificate cannot be verified") \
  X(certificate_name, "The peer's certificate is for another name") \
  X(certificate_missing, "The peer sent no certificate") \
  X(refused, "The peer refused with an alert") \
  X(other, "The handshake failed")
// clang-format on

#define X(name, sentence) +1
constexpr size_t kTlsFailureCount = 0 ONEHOP_TLS_FAILURES(X);
#undef X
#define X(name, sentence) #name,
constexpr std::array<std::string_view, kTlsFailureCount> kTlsFailureNames = {
    ONEHOP_TLS_FAILURES(X)};
#undef X

// Rows as in shard.h, but the name has onehop_downstream_ or onehop_upstream_ before it, and the
// values of `reason` are those above.
// clang-format off
#define ONEHOP_TLS_METRICS(COUNTER, GAUGE) \
  GAUGE(in_progress, "tls_handshakes_in_progress", none, 1, "TLS handshakes in progress") \
  COUNTER(failures, "tls_handshake_failures", reason, kTlsFailureCount, "TLS handshakes that failed, by why")
// clang-format on

// Written by its worker only; anybody may read it at any time.
struct TlsShard {
  ONEHOP_TLS_METRICS(ONEHOP_COUNTER_MEMBER, ONEHOP_GAUGE_MEMBER)
  Histogram full;     // how long a handshake took
  Histogram resumed;  // the same of those that resumed a session
};

}  // namespace onehop::telemetry
