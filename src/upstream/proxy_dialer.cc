// SPDX-License-Identifier: MIT
#include "proxy_dialer.h"

#include <string>
#include <utility>

namespace onehop::upstream {
namespace {

// The header leaves with the first bytes of whoever gets the transport.
class ProxyDial final : public net::Dial, private net::Dial::Events {
 public:
  ProxyDial(std::string header, net::Dial::Events& events)
      : header_(std::move(header)), events_(events) {}

  Result<void, net::NetError> start(net::Dialer& below, const Address& address) {
    auto dial = below.dial(address, *this);
    if (!dial.has_value()) return Unexpected<net::NetError>(dial.error());
    dial_ = std::move(*dial);
    return {};
  }

 private:
  // The receiver may destroy this object in each of the calls below.
  void on_connected(net::TransportPtr transport) override {
    transport->output().append(header_);
    transport->send();
    events_.on_connected(std::move(transport));
  }
  void on_dial_failed(net::NetError error) override { events_.on_dial_failed(error); }

  const std::string header_;
  net::Dial::Events& events_;
  std::unique_ptr<net::Dial> dial_;
};

}  // namespace

Result<std::unique_ptr<net::Dial>, net::NetError> ProxyDialer::dial(const Address& address,
                                                                    net::Dial::Events& events) {
  auto dial = std::make_unique<ProxyDial>(net::written(version_, client_), events);
  const auto started = dial->start(below_, address);
  if (!started.has_value()) return Unexpected<net::NetError>(started.error());
  return std::unique_ptr<net::Dial>(std::move(dial));
}

}  // namespace onehop::upstream
