// SPDX-License-Identifier: MIT
#pragma once

#include "onehop/base/arena.h"
#include "onehop/config/config.h"
#include "onehop/http/connection.h"
#include "onehop/net/proxy_protocol.h"

namespace onehop::proxy {

// Whom the endpoints of `upstream` are told of (proxy_protocol): the client's connection, whatever
// fields its request has. Null where they are told of nobody. Lives in `arena`.
const net::ProxyHeader* told_client(const config::Upstream& upstream, const http::Client& client,
                                    Arena& arena);

}  // namespace onehop::proxy
