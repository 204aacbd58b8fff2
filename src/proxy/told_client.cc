// SPDX-License-Identifier: MIT
#include "told_client.h"

namespace onehop::proxy {

// A client that came when nobody was told has a port as its destination, and no address.
const net::ProxyHeader* told_client(const config::Upstream& upstream, const http::Client& client,
                                    Arena& arena) {
  if (upstream.proxy_protocol == config::ProxyProtocol::off) return nullptr;
  net::ProxyHeader& header = arena.array<net::ProxyHeader>(1).front();
  header = {client.address, client.destination};
  if (header.destination.is_none() && !client.address.is_unix())
    header.destination = *Address::numeric(client.address.is_v6() ? "::" : "", client.port);
  return &header;
}

}  // namespace onehop::proxy
