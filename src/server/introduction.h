// SPDX-License-Identifier: MIT
// Introduction: a client of which a proxy has to say who it is (listener.proxy_protocol_from), from
// the accept to the end of the PROXY header. Nothing that comes before that, nor a TLS handshake,
// is looked at.
#pragma once

#include <memory>

#include "onehop/http/shedding.h"
#include "onehop/net/proxy_protocol.h"
#include "onehop/net/transport.h"

namespace onehop::server {

class Introduction final : public http::Sheddable, private net::Transport::Events {
 public:
  class Events {
   public:
    // Exactly one of the two, once, and never from within the constructor. The Introduction is
    // spent and may be destroyed in the call. Whoever gets the transport is told of the bytes
    // behind the header as soon as the call returns.
    virtual void on_introduced(Introduction& introduction, net::TransportPtr transport) = 0;
    virtual void on_not_introduced(Introduction& introduction, net::ProxyHeaderFault fault) = 0;
    // To make room: it is to be destroyed.
    virtual void on_shed(Introduction& introduction) = 0;

   protected:
    ~Events() = default;
  };

  // `proxy` is who connected. It has `patience_ms` from now on; 0: as long as it likes. All outlive
  // the Introduction.
  struct Parts {
    net::Loop& loop;
    http::Shedding& shedding;
    Events& events;
    uint64_t patience_ms;
  };
  Introduction(const Parts& parts, net::TransportPtr transport, const Address& proxy);

  const Address& proxy() const noexcept { return proxy_; }
  const net::ProxyHeader& header() const noexcept { return reader_.header(); }  // once introduced

 private:
  bool shed() override;
  void on_bytes(Buffer& bytes) override;
  void on_end() override { events_.on_not_introduced(*this, net::ProxyHeaderFault::cut_short); }
  void on_error(net::NetError) override { on_end(); }
  void on_flush(net::Flushed) override {}
  void on_deadline() { events_.on_not_introduced(*this, net::ProxyHeaderFault::timeout); }

  http::Shedding& shedding_;
  Events& events_;
  net::TransportPtr transport_;
  Address proxy_;
  net::ProxyHeaderReader reader_;
  http::Rest rest_ = http::Rest::silent;
  net::Deadline deadline_{this, net::DeadlineThunk<&Introduction::on_deadline>::call};
};

}  // namespace onehop::server
