// SPDX-License-Identifier: MIT
// Acceptor: what a worker does with the clients of one listener, from the accept to a connection
// that speaks a protocol. Over TLS there is a handshake between the two.
#pragma once

#include <functional>
#include <memory>
#include <unordered_map>

#include "onehop/http/connection.h"
#include "onehop/net/event_loop.h"
#include "onehop/net/listener.h"
#include "onehop/tls/tls.h"

namespace onehop::server {

class Acceptor final : private net::Listener::Events, private tls::Handshake::Events {
 public:
  // The worker, which knows its limits and its clients.
  class Owner {
   public:
    virtual bool may_accept() = 0;
    virtual bool make_room(net::NetError error) = 0;
    virtual bool is_trusted(const Address& address) const = 0;
    virtual void on_handshake_over() = 0;  // one less is in progress, whatever came of it

   protected:
    ~Owner() = default;
  };

  // Everything referred to outlives the acceptor.
  struct Parts {
    net::EventLoop& loop;
    const config::Listener& listener;
    http::Service& service;
    const http::ServerSettings& settings;
    http::ServerConnections& connections;
    telemetry::TlsShard* tls_counters;  // null: the listener is plain
    uint32_t handshake_rate;            // this worker's share; 0: no limit
    Owner& owner;
  };
  explicit Acceptor(const Parts& parts);
  ~Acceptor();

  // `context` is null for a plain listener.
  void start(net::ListeningSocket socket, std::shared_ptr<const tls::ServerContext> context);
  void use(std::shared_ptr<const tls::ServerContext> context) { context_ = std::move(context); }

  // No new clients; handshakes in progress go on, until they are given up. Returns how many were.
  void stop() { listener_.reset(); }
  size_t give_up_handshakes();

  size_t handshakes() const noexcept { return pending_.size(); }

 private:
  struct Pending final : http::Sheddable {
    Pending(Acceptor& at, const Address& from, uint64_t now_ns)
        : acceptor(at), peer(from), started_ns(now_ns) {}
    bool shed() override { return acceptor.shed(*this); }

    Acceptor& acceptor;
    std::unique_ptr<tls::Handshake> handshake;
    Address peer;
    uint64_t started_ns;
    http::Rest rest = http::Rest::silent;
  };

  bool may_accept() override;
  void on_accept(net::TransportPtr transport, const Address& peer) override;
  bool make_room(net::NetError error) override { return parts_.owner.make_room(error); }
  void on_handshake_done(tls::Handshake& handshake, net::TransportPtr transport,
                         const tls::Session& session) override;
  void on_handshake_failed(tls::Handshake& handshake, tls::Failure failure,
                           std::string_view detail) override;
  http::Client client_at(const Address& peer) const;
  bool shed(Pending& pending);
  void finish(tls::Handshake& handshake);

  Parts parts_;
  http::ForwardedForms forms_;
  uint16_t port_ = 0;
  std::shared_ptr<const tls::ServerContext> context_;
  std::unique_ptr<net::Listener> listener_;
  std::unordered_map<tls::Handshake*, Pending> pending_;
  uint64_t second_ = 0;  // the second in which the handshakes below began
  uint32_t begun_ = 0;
};

}  // namespace onehop::server
