// SPDX-License-Identifier: MIT
// ProxyDialer: connections that begin with a PROXY header (upstream.proxy_protocol). It is below
// TLS, so that the header comes before the handshake.
#pragma once

#include "onehop/config/config.h"
#include "onehop/net/dialer.h"
#include "onehop/net/proxy_protocol.h"

namespace onehop::upstream {

class ProxyDialer final : public net::Dialer {
 public:
  // `below` outlives it; `version` is v1 or v2.
  ProxyDialer(net::Dialer& below, config::ProxyProtocol version)
      : below_(below), version_(version) {}

  // What the connections say whose dial() comes from now on.
  void announce(const net::ProxyHeader& client) { client_ = client; }

  Result<std::unique_ptr<net::Dial>, net::NetError> dial(const Address& address,
                                                         net::Dial::Events& events) override;

 private:
  net::Dialer& below_;
  const config::ProxyProtocol version_;
  net::ProxyHeader client_;
};

}  // namespace onehop::upstream
