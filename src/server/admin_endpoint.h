// SPDX-License-Identifier: MIT
// The admin endpoint's side of the network: a listener and its connections on the server's own
// loop. It answers also when the clients have taken every descriptor, and whoever comes when it has
// admin.connections already: the oldest of these gives way.
#pragma once

#include <memory>

#include "descriptors.h"
#include "onehop/admin/service.h"
#include "onehop/http/connection.h"
#include "onehop/net/event_loop.h"
#include "onehop/net/listener.h"
#include "onehop/telemetry/shard.h"

namespace onehop::server {

class AdminEndpoint final : private net::Listener::Events, private http::ServerConnections::Events {
 public:
  // All outlive it.
  AdminEndpoint(net::EventLoop& loop, http::Service& service);

  // Once more, to listen elsewhere; connections that are open end with what they are reading.
  void start(net::ListeningSocket socket);
  void stop();
  void allow_connections(uint32_t most) noexcept { most_connections_ = most; }
  void refill_spares() noexcept { spares_.fill(); }  // now and then
  void close();                                      // before the loop's last turn
  admin::AdminConnections connections() const { return {counters_.open.value(), shed_}; }

 private:
  static constexpr size_t kSpares = 4;

  bool may_accept() override { return true; }
  void on_accept(net::TransportPtr transport, const Address& peer) override;
  bool make_room(net::NetError error) override;
  void on_all_closed() override {}

  net::EventLoop& loop_;
  http::Service& service_;
  uint32_t most_connections_ = 0;
  telemetry::DownstreamShard counters_;
  http::ServerSettings settings_{
      admin::AdminService::limits(), admin::AdminService::timeouts(), {}, counters_};
  http::ServerConnections connections_;
  SpareDescriptors spares_{kSpares};
  uint64_t shed_ = 0;
  std::unique_ptr<net::Listener> listener_;
};

}  // namespace onehop::server
