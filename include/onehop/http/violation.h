// SPDX-License-Identifier: MIT
// Every way in which a peer can fail to send or take a message: one row each. What is answered is
// the outcome table's business (proxy/outcome.h): a client's fault becomes a 4xx or 5xx of our own,
// an upstream's a 502.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace onehop::http {

// X(name, sentence)
// clang-format off
#define ONEHOP_VIOLATIONS(X) \
  X(bad_start_line, "The start line is malformed") \
  X(bad_method, "CONNECT is forwarded only where it opens a WebSocket") \
  X(bad_target, "The request target is malformed") \
  X(bad_version, "The HTTP version is not 1.0 to 1.9") \
  X(bad_line_end, "A line does not end with CR LF") \
  X(bad_field, "A field line is malformed") \
  X(too_many_options, "Connection lists more options than anybody needs") \
  X(bad_host, "The Host field is missing, repeated or malformed") \
  X(bad_content_length, "Content-Length is malformed or given twice") \
  X(bad_transfer_encoding, "Transfer-Encoding is not exactly chunked") \
  X(unknown_transfer_coding, "Transfer-Encoding names a coding other than chunked") \
  X(length_and_encoding, "Content-Length and Transfer-Encoding are both present") \
  X(bad_chunk, "The chunked coding is malformed") \
  X(bad_trailer, "A trailer field is malformed") \
  X(start_line_too_long, "The request line is longer than server.limits.request_line") \
  X(head_too_large, "The head is larger than the limit") \
  X(too_many_fields, "The head has more fields than server.limits.head_fields") \
  X(too_many_interim, "More interim responses come than any application has to say") \
  X(bad_switch, "A 101 was not asked for, names another protocol or came before the request's end") \
  X(bad_websocket_accept, "Sec-WebSocket-Accept is not the answer to the key that was sent") \
  X(head_timeout, "The head did not arrive in time") \
  X(incomplete, "The connection ended before the message did") \
  X(write_timeout, "The peer did not take what was sent to it in time") \
  X(protocol_error, "The rules of HTTP/2 were broken") \
  X(surplus, "Bytes arrived that belong to no message") \
  X(stopped, "onehop closed the connection") \
  X(not_taken, "The peer did not take what waited for it, and the memory was wanted for others") \
  X(half_closed, "The client ended its side of the connection before its response") \
  X(gone, "The connection was closed or reset")
// clang-format on

enum class Violation : uint8_t {
#define X(name, sentence) name,
  ONEHOP_VIOLATIONS(X)
#undef X
};

struct ViolationRow {
  std::string_view name;
  std::string_view sentence;
};

constexpr ViolationRow kViolations[] = {
#define X(name, sentence) {#name, sentence},
    ONEHOP_VIOLATIONS(X)
#undef X
};

constexpr const ViolationRow& row_of(Violation violation) {
  return kViolations[static_cast<size_t>(violation)];
}

}  // namespace onehop::http
