// SPDX-License-Identifier: MIT
// Affinity: what of a request ties it to an endpoint. The hash of its key, where the upstream is
// balanced by one (`hash_by`), and the endpoint that the cookie of an earlier response names
// (`sticky`). Neither is a must: one without a key goes to any endpoint, and one whose endpoint is
// gone gets another one, and another cookie.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "client_identity.h"
#include "onehop/base/arena.h"
#include "onehop/config/config.h"
#include "onehop/http/head.h"
#include "onehop/upstream/upstream.h"

namespace onehop::proxy {

struct Affinity {
  std::optional<uint64_t> hash = {};
  upstream::EndpointId named = 0;  // by the cookie; 0: none that is there
  bool secure = false;             // the client came over TLS, to onehop or to a trusted proxy

  static Affinity of(const upstream::Upstream& upstream, const http::RequestHead& head,
                     const ClientIdentity& who);
};

// The part of a request that a key is: as it was sent, nothing decoded; the first where there are
// several. Empty: the request has none. A path is without its query.
std::string_view hashed_part(const config::HashKey& key, const http::RequestHead& head,
                             std::string_view client);

// A Cookie field's value without the cookies of that name; empty where no other is left.
std::string_view without_cookie(std::string_view value, std::string_view name, Arena& arena);

// The name of the cookie that is onehop's own and stays here; empty: none. During the call.
std::string_view own_cookie(const upstream::Upstream& upstream);

// The Set-Cookie that a response brings, in `arena`: where its endpoint is another one than the
// cookie said, and may be asked again. Empty: none.
std::string_view sticky_cookie(const upstream::Upstream& upstream, const config::Sticky& config,
                               const Affinity& affinity, const upstream::Endpoint& endpoint,
                               Arena& arena);

}  // namespace onehop::proxy
