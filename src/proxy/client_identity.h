// SPDX-License-Identifier: MIT
// Who asks, and how: one model, made once for each request from its connection and, where the peer
// is trusted, from what that says in any form. Then it is written in every form that is switched
// on, so that no two of them differ. docs/client-identity.md has the rules,
// docs/decisions/0022-one-client-identity.md why they are so.
#pragma once

#include <span>
#include <string_view>

#include "hops.h"
#include "onehop/base/peers.h"
#include "onehop/base/result.h"
#include "onehop/http/connection.h"
#include "onehop/http/head.h"
#include "onehop/proxy/outcome.h"

namespace onehop::proxy {

struct ClientIdentity {
  std::string_view address;     // of the client
  std::span<const Hop> before;  // addresses that the peer names, the client's end first
  std::string_view peer;        // of the connection; the client's where there is nobody between
  std::string_view scheme;      // "http" or "https"
  std::string_view host;        // with its port where that was given; may be empty
  std::string_view port;        // on which the client asked; empty where it is not known
};

// The most trusted proxies that a request may come through. More is a circle.
constexpr size_t kMostProxies = 32;

// Who is believed: server.trusted_proxies, and whether the peer is one of them.
struct Trust {
  bool peer = false;
  const Peers& proxies;
};

// What it returns lives in `arena`, and as long as `client`. The error is the outcome of a request
// that says it came through too many proxies.
Result<ClientIdentity, Outcome> identify(const http::RequestHead& head, const http::Client& client,
                                         const Trust& trust, Arena& arena);

// The scheme that X-Forwarded-Ssl, -Scheme or -Protocol or Front-End-Https claims; empty where it
// is none of these or says nothing that makes sense.
std::string_view claimed_scheme(const http::Field& field);

void add_identity(http::Fields& out, const ClientIdentity& who, http::ForwardedForms forms,
                  Arena& arena);

}  // namespace onehop::proxy
