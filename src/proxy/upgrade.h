// SPDX-License-Identifier: MIT
// Which requests to upgrade ask for a connection that can switch protocols, where the endpoint may
// have HTTP/2, which cannot.
#pragma once

#include <string_view>

#include "onehop/base/ascii.h"

namespace onehop::proxy {

// Any protocol but TLS (RFC 2817): that one would secure a hop, and both hops have what is
// configured for them. Who offers it goes on without it.
inline bool needs_http1(std::string_view upgrade) {
  const std::string_view name = upgrade.substr(0, upgrade.find('/'));
  return !upgrade.empty() && !equals_ignoring_case(name, "tls");
}

}  // namespace onehop::proxy
