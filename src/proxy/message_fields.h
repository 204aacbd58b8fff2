// SPDX-License-Identifier: MIT
// What a head becomes on its way through: hop-by-hop fields leave, the fields that say where it has
// been join (edge cases 33 to 40).
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "onehop/base/arena.h"
#include "onehop/http/connection.h"
#include "onehop/http/head.h"

namespace onehop::proxy {

constexpr size_t kAddedFields = 10;  // the most that either function below adds

// The head to send upstream. All its views live in `arena`, so that a second attempt can send it
// again. `fresh_id` is used when the client brought no X-Request-Id; fields named in `reserved` are
// onehop's own and never taken from a client.
http::RequestHead forwarded_request(const http::RequestHead& head, const http::Client& client,
                                    std::string_view fresh_id, Arena& arena,
                                    std::span<const std::string> reserved = {});

// The head to send to the client; its views are those of `head`, its fields lie in `room` (at least
// the head's fields and kAddedFields). `hsts` is what strict_transport_security() said.
http::ResponseHead forwarded_response(const http::ResponseHead& head, bool trailers_accepted,
                                      std::span<http::Field> room, std::string_view hsts = {});

// The value of Strict-Transport-Security (RFC 6797 6.1) for a client that came over TLS; empty
// where the listener sends none.
std::string_view strict_transport_security(const http::Client& client, Arena& arena);

// Where a client of a plain listener finds the same over TLS; empty where it is not redirected.
std::string_view https_location(const http::RequestHead& head, const http::Client& client,
                                Arena& arena);

// The trailers that may be passed on: none that could be mistaken for framing, routing,
// authentication or content (RFC 9110 6.5.1).
http::Fields forwarded_trailers(const http::Fields& trailers, std::span<http::Field> room,
                                std::span<const std::string> reserved = {});

}  // namespace onehop::proxy
