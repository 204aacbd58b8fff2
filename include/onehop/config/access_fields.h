// SPDX-License-Identifier: MIT
// What a line of the access log may hold: a row for each field, in the order in which JSON has
// them. A row's name is the key of JSON and what a template writes in braces.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "onehop/base/result.h"

namespace onehop::config {

// X(name, help). Times in microseconds end in _us.
// clang-format off
#define ONEHOP_ACCESS_FIELDS(X) \
  X(time, "When the first byte of the request came, RFC 3339, UTC") \
  X(client, "The client's address; behind a peer in server.trusted_proxies, the one that it names") \
  X(peer, "The address of the connection, where it is another one") \
  X(method, "As the client wrote it, as are host, path and query") \
  X(host, "The authority or Host, with its port where it has one") \
  X(path, "The target up to its query") \
  X(query, "Behind the question mark; never with `query = false`") \
  X(protocol, "HTTP/1.0, HTTP/1.1 or HTTP/2.0") \
  X(status, "Of the response; 0 where none was sent") \
  X(request_bytes, "Of the request's body, or of a tunnel, that came from the client") \
  X(response_bytes, "Of the response's body, or of a tunnel, that were handed on for the client") \
  X(route, "The host and path of the route") \
  X(upstream, "Where it led to") \
  X(endpoint, "Of the last attempt") \
  X(attempts, "Each with its endpoint, outcome and time") \
  X(outcome, "How the exchange ended (docs/outcomes.md)") \
  X(rate_limit, "The rate limit that refused it, or would have: then \"NAME (dry_run)\"") \
  X(total_us, "The whole request, all attempts together") \
  X(overhead_us, "The part of it that onehop worked") \
  X(request_head_read_us, "The phases (docs/metrics.md), which sum to total_us") \
  X(route_and_queue_wait_us, "") \
  X(pool_wait_us, "") \
  X(connect_us, "") \
  X(request_write_us, "") \
  X(response_wait_us, "") \
  X(response_body_us, "") \
  X(downstream_write_stall_us, "") \
  X(reused, "Whether the last attempt took a pooled connection") \
  X(connection_age_ms, "How old its connection was then") \
  X(request_id, "X-Request-Id, as the endpoint got it") \
  X(tls_version, "With the client: TLSv1.2 or TLSv1.3") \
  X(tls_resumed, "Whether its handshake resumed a session") \
  X(trace_id, "Of a valid traceparent (W3C Trace Context) that the client sent") \
  X(referer, "As the client wrote it") \
  X(user_agent, "As the client wrote it") \
  X(cut, "Which of the above were too long and are here in part")
// clang-format on

enum class AccessField : uint8_t {
#define X(name, help) name,
  ONEHOP_ACCESS_FIELDS(X)
#undef X
};

#define X(name, help) +1
constexpr size_t kAccessFieldCount = 0 ONEHOP_ACCESS_FIELDS(X);
#undef X
#define X(name, help) #name,
constexpr std::array<std::string_view, kAccessFieldCount> kAccessFieldNames = {
    ONEHOP_ACCESS_FIELDS(X)};
#undef X

// Text, and then a field, or none at the end.
struct AccessPiece {
  std::string text;
  std::optional<AccessField> field;

  bool operator==(const AccessPiece&) const = default;
};

// "{client} {status}" taken apart; `{{` and `}}` are braces. The error says what is wrong with it,
// with what may have been meant.
Result<std::vector<AccessPiece>, std::string> parse_access_template(std::string_view text);

// What `log.access.format` may be: a name of a format, or a template, which has a field.
constexpr std::array<std::string_view, 2> kAccessFormats = {"json", "combined"};

// What is wrong with it; empty where nothing is.
std::string access_format_fault(std::string_view text);

}  // namespace onehop::config
