// SPDX-License-Identifier: MIT
// The heads of messages, as the exchange knows them: no version-specific framing, no connection.
// Fields hold what came, including hop-by-hop fields; `proxy` decides what goes on, and a codec
// writes the framing fields anew from `body`.
#pragma once

#include <cstdint>
#include <string_view>

#include "onehop/http/fields.h"
#include "onehop/http/method.h"

namespace onehop::http {

// How the length of a body is known. `unknown`: it ends when it ends (chunked, or the end of an
// HTTP/2 stream, or a closed connection).
struct BodyLength {
  enum class Kind : uint8_t { none, known, unknown };
  Kind kind = Kind::none;
  uint64_t bytes = 0;

  static constexpr BodyLength of(uint64_t bytes) { return {Kind::known, bytes}; }
  static constexpr BodyLength none() { return {}; }
  static constexpr BodyLength unknown() { return {Kind::unknown, 0}; }
};

struct RequestHead {
  Method method = Method::get;
  std::string_view method_text;
  // Origin-form ("/path?query"), "*", or "?query" of an absolute target without a path.
  std::string_view target;
  // Host, or the authority of an absolute target; may be empty in HTTP/1.0.
  std::string_view authority;
  std::string_view protocol = "1.1";  // it came with, as Via says it: "1.0", "1.1", "2.0"
  // 0 is HTTP/1.0: no 1xx, no chunks and no trailers may be sent back. 1 is anything later.
  uint8_t version_minor = 1;
  BodyLength body;
  std::string_view upgrade;        // the protocol asked for (RFC 9110 7.8); empty: none
  bool upgrade_required = false;   // the client cannot go on without it (RFC 8441)
  bool trailers_accepted = false;  // TE: trailers was said, or it came over HTTP/2
  Fields fields;
};

struct ResponseHead {
  int status = 0;
  std::string_view reason;
  std::string_view protocol = "1.1";  // it came with, as Via says it
  uint8_t version_minor = 1;          // as in a RequestHead
  BodyLength body;  // `known` with Ends::yes: the length a GET would have (answers to HEAD, 304)
  std::string_view upgrade;         // of a 101
  bool abandons_request = false;    // what has not come of the request will not be read
  bool last_of_connection = false;  // the client's connection is to end with this response
  Fields fields;
};

constexpr bool is_interim(int status) {
  return status >= 100 && status < 200 && status != 101;
}

// Whether the answer to anything but HEAD has content, be it of no bytes; all others end with their
// head, whatever its fields say (RFC 9110 6.4.1).
constexpr bool has_content(int status) {
  return status >= 200 && status != 204 && status != 304;
}

}  // namespace onehop::http
