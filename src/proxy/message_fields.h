// SPDX-License-Identifier: MIT
// What a head becomes on its way through: hop-by-hop fields leave, the fields that say where it has
// been join (edge cases 33 to 40).
#pragma once

#include <span>
#include <string_view>

#include "client_identity.h"
#include "guarded_fields.h"
#include "onehop/base/arena.h"
#include "onehop/config/config.h"
#include "onehop/http/connection.h"
#include "onehop/http/head.h"
#include "onehop/proxy/rate_limits.h"

namespace onehop::proxy {

constexpr size_t kAddedFields = 13;  // the most that either function below adds

struct RequestParts {
  const http::Client& client;
  bool trusted;                      // the client's peer is in server.trusted_proxies
  const http::ListenerTerms* terms;  // of the listener that it came to, or null
  const ClientIdentity& who;
  std::string_view request_id;  // lives as long as the head that is made
  const GuardedFields& guarded;
  config::Via via;
  std::string_view kept_cookie = {};  // the name of one that is onehop's own and stays here
};

// The head to send upstream. All its views live in `arena`, so that a second attempt can send it
// again, or as long as `parts`.
http::RequestHead forwarded_request(const http::RequestHead& head, const RequestParts& parts,
                                    Arena& arena);

struct ResponseParts {
  bool trailers_accepted;
  config::Via via;
  std::string_view request_id = {};  // empty: none is added, and the endpoint's own passes
  std::string_view hsts = {};        // what strict_transport_security() said
  std::string_view set_cookie = {};  // what sticky_cookie() said; empty: none is added
  const Rated* rated = nullptr;      // what the rate limits said, or null
};

// The head to send to the client; its views are those of `head` and `parts`, its fields lie in
// `room` (at least the head's fields and kAddedFields).
http::ResponseHead forwarded_response(const http::ResponseHead& head, const ResponseParts& parts,
                                      std::span<http::Field> room);

// The client's own request id, where it is short and plain; else nothing.
std::string_view plain_request_id(const http::Fields& fields);

// Whether Via names onehop more often than there are proxies on any way.
bool goes_in_circles(const http::Fields& fields);

// The value of Strict-Transport-Security (RFC 6797 6.1) for a client that came over TLS; empty
// where the listener sends none.
std::string_view strict_transport_security(const http::Client& client,
                                           const http::ListenerTerms* terms, Arena& arena);

// Where a client of a plain listener finds the same over TLS; empty where it is not redirected.
std::string_view https_location(const http::RequestHead& head, const http::Client& client,
                                const http::ListenerTerms* terms, Arena& arena);

// The trailers that may be passed on: none that could be mistaken for framing, routing,
// authentication, identity or content (RFC 9110 6.5.1).
http::Fields forwarded_trailers(const http::Fields& trailers, std::span<http::Field> room,
                                const GuardedFields& guarded);

}  // namespace onehop::proxy
