// SPDX-License-Identifier: MIT
#include "prepared.h"

#include <utility>

#include "onehop/net/event_loop.h"

namespace onehop::server {

Result<Prepared, std::string> Prepared::make(Loaded loaded, const TlsContexts* before) {
  Prepared made{std::move(loaded), {}, {}};
  for (const auto& upstream : made.config().upstreams) {
    auto& of_upstream = made.addresses.emplace_back();
    for (const auto& endpoint : upstream.endpoints) {
      const auto parsed = parse_host_port(endpoint.address);
      if (!parsed.has_value()) return Unexpected<std::string>(parsed.error());
      const auto address = net::resolve(*parsed);
      if (!address.has_value())
        return Unexpected<std::string>("upstream " + upstream.name + ": " + address.error());
      of_upstream.push_back(*address);
    }
  }
  auto tls = TlsContexts::make(made.config(), before);
  if (!tls.has_value()) return Unexpected<std::string>(tls.error());
  made.tls = std::move(*tls);
  return made;
}

}  // namespace onehop::server
