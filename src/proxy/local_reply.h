// SPDX-License-Identifier: MIT
// The proxy's own answers: short plain text, with Content-Length and a Proxy-Status that names the
// outcome (RFC 9209).
#pragma once

#include <string_view>

#include "onehop/base/arena.h"
#include "onehop/http/stream.h"
#include "onehop/proxy/outcome.h"
#include "onehop/proxy/rate_limits.h"

namespace onehop::proxy {

struct LocalReply {
  http::ServerStream& stream;
  Outcome outcome;
  // More than the outcome's own sentence, or empty; of a redirect: where to.
  std::string_view detail;
  std::string_view hsts;         // Strict-Transport-Security, or empty
  std::string_view request_id;   // to be shown, or empty
  bool grpc = false;             // the request is a gRPC call: the answer is a grpc-status
  const Rated* rated = nullptr;  // null: it met no rate limit
};

// Sends the whole reply; the bytes of its body.
size_t send_local_reply(const LocalReply& reply, Arena& arena);

}  // namespace onehop::proxy
