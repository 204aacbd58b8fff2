// SPDX-License-Identifier: MIT
// What one worker counts. Each metric is one row of a table below; the rows make these structs, the
// merged snapshot, the Prometheus exposition and docs/metrics.md, so a metric cannot exist in one
// of them alone.
//
// A shard is written by its worker only; anybody may read it at any time. Who owns which is in
// telemetry.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "onehop/telemetry/counter.h"
#include "onehop/telemetry/histogram.h"
#include "onehop/telemetry/phase.h"
#include "onehop/telemetry/rate_limit.h"
#include "onehop/telemetry/route.h"
#include "onehop/telemetry/status_class.h"
#include "onehop/telemetry/tls.h"

namespace onehop::telemetry {

// Why an upstream connection was opened: what had become of the one that would have served.
// clang-format off
#define ONEHOP_OPEN_REASONS(X) \
  X(cold, "No connection to the endpoint existed yet") \
  X(all_busy, "Every pooled connection was in use") \
  X(idle_expired, "The pooled one had reached idle_timeout") \
  X(peer_closed_idle, "The endpoint had closed the idle one, or sent bytes on it") \
  X(max_requests, "The pooled one had served max_requests, or as many as the endpoint takes on one") \
  X(max_age, "The pooled one had reached max_age") \
  X(not_persistent, "The endpoint does not keep connections: close, HTTP/1.0, no length") \
  X(not_drained, "The last response ended before its request was sent, was cut short, or had bytes behind it") \
  X(broken, "The last one failed in the middle of a request") \
  X(evicted, "The idle one made room: max_idle, max_connections, or file descriptors ran out") \
  X(certificates_renewed, "The pooled one was made with TLS files that have been read again since") \
  X(bound, "The pooled one belongs to one client, which authenticated it (NTLM, Negotiate)") \
  X(other_client, "The pooled ones began with PROXY headers of other clients") \
  X(upgrade, "The pooled ones may speak HTTP/2, and a request to upgrade needs HTTP/1.1") \
  X(gate, "The idle ones had rested for non_idempotent_max_idle, and the request must not meet their end") \
  X(retry, "A reused connection had failed and the request was sent again on a fresh one") \
  X(reuse_off, "pool.reuse is false")
// clang-format on

enum class OpenReason : uint8_t {
#define X(name, help) name,
  ONEHOP_OPEN_REASONS(X)
#undef X
};

// Who closed a connection.
// clang-format off
#define ONEHOP_CLOSERS(X) \
  X(peer, "The other side closed or reset it") \
  X(onehop, "onehop closed it: a limit, a deadline, a drain") \
  X(error, "It failed: a network error or a protocol violation")
// clang-format on

enum class Closer : uint8_t {
#define X(name, help) name,
  ONEHOP_CLOSERS(X)
#undef X
};

// Why a client of HTTP/2 was given up as one that floods: what used up the last of what it may do.
// clang-format off
#define ONEHOP_H2_FLOODS(X) \
  X(reset, "It reset more streams than http2.reset_burst and http2.resets_per_second allow") \
  X(provoked_reset, "It made onehop reset as many, by breaking the rules on each") \
  X(ping, "PING: too many, or more than it reads the answers to") \
  X(settings, "SETTINGS: too many, too long, or more than it reads the answers to") \
  X(window_update, "WINDOW_UPDATE: more than what it was sent can need") \
  X(priority, "PRIORITY and PRIORITY_UPDATE") \
  X(empty_data, "DATA without a byte and without the end of its stream") \
  X(continuation, "CONTINUATION: a head in more frames than the largest one needs") \
  X(other, "Frames of any other type, which carry nothing forward")
// clang-format on

enum class H2Flood : uint8_t {
#define X(name, help) name,
  ONEHOP_H2_FLOODS(X)
#undef X
};

// Why a client was closed that has to begin with a PROXY header (listener.proxy_protocol_from).
// clang-format off
#define ONEHOP_PROXY_HEADER_FAULTS(X) \
  X(missing, "Its first bytes are no PROXY header") \
  X(malformed, "Its PROXY header breaks the rules of version 1 or 2") \
  X(cut_short, "The connection ended within its PROXY header, or before it") \
  X(timeout, "Its PROXY header did not come in time")
// clang-format on

enum class ProxyHeaderFault : uint8_t {
#define X(name, help) name,
  ONEHOP_PROXY_HEADER_FAULTS(X)
#undef X
};

// Whose doing an outcome is: what tells a burst of errors from clients that leave.
// clang-format off
#define ONEHOP_OUTCOME_CLASSES(X) \
  X(ok, "Nobody failed: the whole response was sent, or onehop answered as it was asked to") \
  X(client, "The client: a malformed request, one that no route takes, more than a rate limit allows, a client that left") \
  X(upstream, "The endpoint: not reached, not in time, or a response that is no good") \
  X(onehop, "onehop: its queues, its limits, its stop")
// clang-format on

enum class OutcomeClass : uint8_t {
#define X(name, help) name,
  ONEHOP_OUTCOME_CLASSES(X)
#undef X
};

#define X(name, help) +1
constexpr size_t kOpenReasonCount = 0 ONEHOP_OPEN_REASONS(X);
constexpr size_t kCloserCount = 0 ONEHOP_CLOSERS(X);
constexpr size_t kH2FloodCount = 0 ONEHOP_H2_FLOODS(X);
constexpr size_t kProxyHeaderFaultCount = 0 ONEHOP_PROXY_HEADER_FAULTS(X);
constexpr size_t kOutcomeClassCount = 0 ONEHOP_OUTCOME_CLASSES(X);
#undef X
#define X(name, help) #name,
constexpr std::array<std::string_view, kOpenReasonCount> kOpenReasonNames = {
    ONEHOP_OPEN_REASONS(X)};
constexpr std::array<std::string_view, kCloserCount> kCloserNames = {ONEHOP_CLOSERS(X)};
constexpr std::array<std::string_view, kH2FloodCount> kH2FloodNames = {ONEHOP_H2_FLOODS(X)};
constexpr std::array<std::string_view, kProxyHeaderFaultCount> kProxyHeaderFaultNames = {
    ONEHOP_PROXY_HEADER_FAULTS(X)};
constexpr std::array<std::string_view, kOutcomeClassCount> kOutcomeClassNames = {
    ONEHOP_OUTCOME_CLASSES(X)};
#undef X

// Rows of the outcome table, which belongs to proxy; see Telemetry.
constexpr size_t kMaxOutcomes = 64;

// Rows: KIND(member, prometheus name without the onehop_ prefix and without _total, label, label
// count, help). A label of `none` makes a single cell, any other an array of `count` cells whose
// label values come from the tables above (reason: open reasons, floods, faults of PROXY headers,
// or limits of clients; by: closers, class: status classes, outcome: the outcome table). The rows
// of TLS are in tls.h, those of rate limits in rate_limit.h.
// clang-format off
#define ONEHOP_DOWNSTREAM_METRICS(COUNTER, GAUGE) \
  COUNTER(accepted, "downstream_connections_accepted", none, 1, "Client connections accepted") \
  GAUGE(open, "downstream_connections_open", none, 1, "Client connections open now") \
  GAUGE(idle, "downstream_connections_idle", none, 1, "Client connections without a request now") \
  COUNTER(closed, "downstream_connections_closed", by, kCloserCount, "Client connections closed, by whom") \
  COUNTER(idle_timeouts, "downstream_idle_timeouts", none, 1, "Client connections closed because no request began in time") \
  COUNTER(h2_connections, "downstream_h2_connections", none, 1, "Client connections that spoke HTTP/2") \
  COUNTER(h2_floods, "downstream_h2_floods", reason, kH2FloodCount, "HTTP/2 connections given up because their client floods, once each, by what with") \
  COUNTER(proxy_header_faults, "downstream_proxy_header_faults", reason, kProxyHeaderFaultCount, "Client connections refused for want of a good PROXY header, by why") \
  COUNTER(refused, "downstream_connections_refused", reason, kClientLimitCount, "Client connections that were closed at the accept, by which limit of listener.per_client") \
  COUNTER(per_client_forgotten, "downstream_per_client_forgotten", none, 1, "Times that listener.per_client lost sight of an address because its memory was full: its rate begins anew, or its connection is not counted") \
  COUNTER(shed, "downstream_connections_shed", none, 1, "Client connections that waited, closed to make room: the connection limit or file descriptors") \
  COUNTER(stalled_given_up, "downstream_stalled_given_up", none, 1, "Clients that onehop gave up to free memory, because all buffers together held more than server.limits.buffered: response bytes that the client did not read, or request bytes that its endpoint did not read. Its connection was ended, or, of HTTP/2 while the client still reads, the streams on which bytes waited") \
  COUNTER(accept_paused, "downstream_accept_paused", none, 1, "Times accepting paused: file descriptors or the connection limit") \
  COUNTER(requests, "downstream_requests", class, 6, "Requests ended, by the status class sent to the client") \
  COUNTER(outcomes, "downstream_outcomes", outcome, kMaxOutcomes, "Requests ended, by outcome") \
  COUNTER(fields_dropped, "downstream_fields_dropped", none, 1, "Request fields left out because, with underscores, they could be taken for others that onehop sets or knows") \
  GAUGE(in_flight, "downstream_requests_in_flight", none, 1, "Requests in progress") \
  COUNTER(access_log_written, "access_log_written", none, 1, "Lines of the access log that were written") \
  COUNTER(access_log_dropped, "access_log_dropped", none, 1, "Requests without their line in the access log: more waited for its writer than the worker has room for") \
  COUNTER(access_log_failed, "access_log_failed", none, 1, "Lines of the access log that were lost because they could not be written: a full disk, a pipe whose reader is gone") \
  COUNTER(bytes_received, "downstream_received_bytes", none, 1, "Bytes read from clients") \
  COUNTER(bytes_sent, "downstream_sent_bytes", none, 1, "Bytes written to clients")
// clang-format on

// clang-format off
#define ONEHOP_ENDPOINT_METRICS(COUNTER, GAUGE) \
  COUNTER(opened, "upstream_connections_opened", reason, kOpenReasonCount, "Connections established to the endpoint, by why one was needed") \
  COUNTER(reused, "upstream_connections_reused", none, 1, "Requests that took a pooled connection: set-ups avoided") \
  COUNTER(connect_failed, "upstream_connect_failures", none, 1, "Dials that the endpoint refused or did not answer") \
  COUNTER(local_faults, "upstream_local_faults", none, 1, "Dials that failed for want of local ports, descriptors or memory") \
  COUNTER(dials_given_up, "upstream_dials_given_up", none, 1, "Dials under way that nobody waited for any more: the endpoint may have accepted a connection that is counted nowhere else") \
  GAUGE(open, "upstream_connections_open", none, 1, "Connections to the endpoint open now") \
  GAUGE(idle, "upstream_connections_idle", none, 1, "Connections waiting in the pool now") \
  GAUGE(connecting, "upstream_connections_connecting", none, 1, "Dials in progress") \
  COUNTER(closed, "upstream_connections_closed", by, kCloserCount, "Connections closed, by whom") \
  COUNTER(surplus, "upstream_surplus_connections", none, 1, "Connections discarded because bytes arrived that no request asked for") \
  COUNTER(requests, "upstream_requests", class, 6, "Attempts ended, by the status class the endpoint answered") \
  COUNTER(outcomes, "upstream_outcomes", outcome, kMaxOutcomes, "Attempts ended, by outcome") \
  COUNTER(retries, "upstream_retries", none, 1, "Attempts that gave way to another one, here or on another endpoint") \
  GAUGE(in_flight, "upstream_requests_in_flight", none, 1, "Requests this endpoint is working on") \
  GAUGE(queued, "upstream_queue_length", none, 1, "Requests waiting for a connection to this endpoint") \
  COUNTER(queue_rejected, "upstream_queue_rejected", none, 1, "Requests that found the queue full or waited too long") \
  COUNTER(bytes_sent, "upstream_sent_bytes", none, 1, "Bytes written to the endpoint") \
  COUNTER(bytes_received, "upstream_received_bytes", none, 1, "Bytes read from the endpoint")
// clang-format on

struct DownstreamShard {
  ONEHOP_DOWNSTREAM_METRICS(ONEHOP_COUNTER_MEMBER, ONEHOP_GAUGE_MEMBER)
};

// The histograms of an exchange: one per phase, then `total` and `proxy_overhead`.
constexpr size_t kExchangeHistogramCount = kPhaseCount + 2;
constexpr size_t kTotalIndex = kPhaseCount;
constexpr size_t kOverheadIndex = kPhaseCount + 1;
constexpr std::string_view exchange_histogram_name(size_t index) {
  return index < kPhaseCount    ? kPhaseNames[index]
         : index == kTotalIndex ? std::string_view("total")
                                : std::string_view("proxy_overhead");
}

struct EndpointShard {
  ONEHOP_ENDPOINT_METRICS(ONEHOP_COUNTER_MEMBER, ONEHOP_GAUGE_MEMBER)

  // Every exchange that ended on this endpoint, or waited for it and went elsewhere, is recorded
  // once in each of these, so all have the same count (what a phase did not need is a 0).
  std::array<Histogram, kExchangeHistogramCount> exchange;
  Histogram dial;  // every established connection: how long it took to set up
  TlsShard tls;    // of its handshakes; stays zero where EndpointName::tls is not set

  void record(const PhaseClock& clock) noexcept {
    for (size_t i = 0; i < kPhaseCount; ++i) exchange[i].record(clock.spent(static_cast<Phase>(i)));
    exchange[kTotalIndex].record(clock.total());
    exchange[kOverheadIndex].record(clock.proxy_overhead());
  }
};
static_assert(sizeof(EndpointShard) <= 2048, "what an endpoint without a request may cost");

// What a worker counts that belongs to no endpoint, listener or route. Lives as long as the
// program.
struct Shard {
  DownstreamShard downstream;
};

// Names an endpoint: which upstream it belongs to and its address as configured.
struct EndpointName {
  std::string upstream;
  std::string address;
  bool tls = false;  // connections to it speak TLS, so handshakes are shown, even before the first
};

// Names an outcome. The table of them belongs to proxy.
struct OutcomeName {
  std::string_view name;
  OutcomeClass of = OutcomeClass::ok;

  bool operator==(const OutcomeName&) const = default;
};

}  // namespace onehop::telemetry
