// SPDX-License-Identifier: MIT
// Outcomes: every way in which an exchange can end, one row each. The row says who is at fault,
// what we answer when nothing was sent yet, the error type of Proxy-Status (RFC 9209 2.3), whether
// another attempt may follow, and a sentence for people. It feeds the retry rule, the local
// replies, the metric label and docs/outcomes.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "onehop/http/violation.h"
#include "onehop/upstream/pool.h"

namespace onehop::proxy {

enum class Side : uint8_t { none, downstream, upstream, local };

// Whether another attempt may be made, within `upstream.retries`; to another endpoint where there
// is one. `elsewhere`: no connection was to be had, so any method may go to another endpoint, and
// to no other place. `unseen`: the endpoint turned the request away without looking at it, so any
// method may go out again, with all of its body. `if_reused`: an idempotent one, once, with all of
// its body and on a fresh connection, as this one came from the pool. `if_proven`: the same of any
// method, where `retry_unseen` is set. `once_elsewhere`: as `if_reused`, to another endpoint only.
enum class Again : uint8_t { never, elsewhere, if_reused, if_proven, once_elsewhere, unseen };

// X(name, side, status, error type, again, sentence)
// clang-format off
#define ONEHOP_OUTCOMES(X) \
  X(ok, none, 0, "", never, "The endpoint's response was sent whole") \
  X(answered_here, local, 200, "", never, "onehop answered itself, as the request asked") \
  X(redirected, local, 308, "", never, "The client was told to come back over https, as the listener is configured") \
  X(bad_request, downstream, 400, "http_request_error", never, "The request is malformed") \
  X(ambiguous_path, downstream, 400, "http_request_error", never, "The path can be read in more than one way") \
  X(request_incomplete, downstream, 400, "http_request_error", never, "The client ended the connection in the middle of the request") \
  X(no_route, downstream, 404, "destination_not_found", never, "No route matches the host and path") \
  X(request_head_timeout, downstream, 408, "http_request_error", never, "The head of the request did not arrive in time") \
  X(request_body_timeout, downstream, 408, "http_request_error", never, "The body of the request came too slowly") \
  X(request_body_idle_timeout, downstream, 408, "http_request_error", never, "The body of the request, whose length is not known, paused for longer than server.timeouts.request_body_idle") \
  X(body_too_large, downstream, 413, "http_request_error", never, "The body is larger than server.limits.request_body") \
  X(target_too_long, downstream, 414, "http_request_error", never, "The request line is longer than server.limits.request_line") \
  X(expectation_unknown, downstream, 417, "http_request_error", never, "The only expectation that can be met is 100-continue") \
  X(rate_limited, downstream, 429, "http_request_denied", never, "More requests than a rate limit allows") \
  X(head_too_large, downstream, 431, "http_request_error", never, "The head is larger than its limits") \
  X(method_unknown, downstream, 501, "http_request_error", never, "The method is not supported") \
  X(coding_unknown, downstream, 501, "http_request_error", never, "The transfer coding of the body is not supported") \
  X(version_unknown, downstream, 505, "http_request_error", never, "The HTTP version is not supported") \
  X(client_gone, downstream, 499, "http_request_error", never, "The client closed the connection before its response") \
  X(client_half_closed, downstream, 499, "http_request_error", never, "The client ended its side of the connection before its response, which counts as leaving (listener.half_close)") \
  X(client_shed, downstream, 499, "connection_write_timeout", never, "What waited for the client, or of its request body, was given up: the buffers held more than server.limits.buffered") \
  X(client_stalled, downstream, 499, "connection_write_timeout", never, "The client did not take the response in time") \
  X(endpoint_left, none, 503, "destination_unavailable", elsewhere, "The endpoint was taken out while the request waited for it, and another one was chosen") \
  X(endpoint_drain_timeout, local, 504, "http_response_timeout", once_elsewhere, "The endpoint was taken out, and the exchange with it took longer than endpoint_drain") \
  X(no_endpoint, local, 503, "destination_unavailable", never, "The upstream has no endpoint at this moment") \
  X(connect_refused, upstream, 502, "connection_refused", elsewhere, "The endpoint refused the connection") \
  X(connect_failed, upstream, 502, "destination_ip_unroutable", elsewhere, "The endpoint cannot be reached") \
  X(connect_timeout, upstream, 504, "connection_timeout", elsewhere, "The endpoint did not accept the connection, or finish the handshake of TLS, in time") \
  X(connect_slow, upstream, 504, "connection_timeout", elsewhere, "The endpoint had not accepted the connection after 250 ms, and its name has an address of the other IP version to try") \
  X(tls_failed, upstream, 502, "tls_protocol_error", elsewhere, "TLS with the endpoint could not be agreed on, or its certificate was not verified") \
  X(upstream_closed_idle, upstream, 502, "connection_terminated", if_reused, "The endpoint closed a pooled connection as the request was sent on it") \
  X(proven_unseen, upstream, 502, "connection_terminated", if_proven, "The endpoint had closed a pooled connection before the request came to its host, which refused it: its application saw nothing of it") \
  X(upstream_refused, none, 502, "connection_terminated", unseen, "The endpoint refused the stream unseen, as HTTP/2 allows, and the request was sent again") \
  X(upstream_closed, upstream, 502, "connection_terminated", once_elsewhere, "The endpoint closed the connection, or reset the stream, without a response") \
  X(upstream_bad_response, upstream, 502, "http_protocol_error", never, "The endpoint's response is malformed") \
  X(upstream_head_too_large, upstream, 502, "http_response_header_section_size", never, "The head of the response is larger than its limits") \
  X(upstream_incomplete, upstream, 502, "http_response_incomplete", never, "The endpoint's response ended before its end") \
  X(response_head_timeout, upstream, 504, "http_response_timeout", never, "The endpoint did not answer in time") \
  X(response_idle_timeout, upstream, 504, "http_response_timeout", never, "The endpoint paused too long inside the response body") \
  X(request_timeout, upstream, 504, "http_response_timeout", never, "The whole request took longer than timeouts.request") \
  X(tunnel_idle_timeout, none, 504, "connection_timeout", never, "The tunnel carried no byte for timeouts.tunnel_idle") \
  X(queue_full, local, 503, "connection_limit_reached", elsewhere, "Every connection is in use and the queue is full") \
  X(queue_timeout, local, 503, "connection_limit_reached", never, "No connection became free within pool.queue_timeout") \
  X(proxy_loop, local, 508, "proxy_loop_detected", never, "The request came through more than 32 proxies, so it goes in circles") \
  X(local_fault, local, 503, "proxy_internal_error", elsewhere, "onehop ran out of ports, descriptors or memory") \
  X(stopped, local, 503, "proxy_internal_error", never, "onehop was stopped before the exchange ended")
// clang-format on

enum class Outcome : uint8_t {
#define X(name, side, status, error, again, sentence) name,
  ONEHOP_OUTCOMES(X)
#undef X
};

struct OutcomeRow {
  std::string_view name;
  Side side;
  int status;
  std::string_view error;
  Again again;
  std::string_view sentence;
};
const OutcomeRow& row_of(Outcome outcome);

// The names and classes, in order: the values of the metric labels.
std::vector<telemetry::OutcomeName> outcome_names();

// A fault of the client's message, and of the endpoint's (`reused`: on a pooled connection), and a
// lease that was not to be had.
Outcome outcome_of_request(http::Violation violation);
Outcome outcome_of_response(http::Violation violation, bool reused);
Outcome outcome_of(const upstream::LeaseError& error);

}  // namespace onehop::proxy
