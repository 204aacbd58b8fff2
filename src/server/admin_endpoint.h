// SPDX-License-Identifier: MIT
// The admin endpoint's side of the network: its listeners, one at an address and one at the path of
// a unix socket, and their connections on the server's own loop. It answers also when the clients
// have taken every descriptor, and whoever comes when it has admin.connections already: the oldest
// of these gives way.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "descriptors.h"
#include "inherited_sockets.h"
#include "onehop/admin/service.h"
#include "onehop/base/result.h"
#include "onehop/config/config.h"
#include "onehop/http/connection.h"
#include "onehop/net/event_loop.h"
#include "onehop/net/listener.h"
#include "onehop/net/unix_socket.h"
#include "onehop/telemetry/shard.h"

namespace onehop::server {

class AdminEndpoint final : private net::Listener::Events, private http::ServerConnections::Events {
 public:
  // Both outlive it.
  AdminEndpoint(net::EventLoop& loop, admin::AdminService& service);

  // What a configuration wants that is not open yet, and the token.
  struct Doors {
    std::string token;
    std::optional<net::ListeningSocket> network;
    std::optional<net::UnixSocket> control;
    bool control_is_activated = false;  // its file is the service manager's
  };
  // Reads the token and binds what `config` has and is not open already, and not among the
  // inherited either. Nothing changes before use(); the error is a sentence.
  Result<Doors, std::string> prepare(const config::Admin& config,
                                     InheritedSockets* inherited = nullptr) const;

  // From now on it is as `config` says, with what was prepared for it; what `config` does not have
  // any more is closed, and connections end with what they are reading.
  void use(const config::Admin& config, Doors doors);

  // Where clients connect, with the port that it got; empty when it has no address.
  const std::string& address() const { return address_; }
  const std::string& control() const { return control_; }  // the path; empty: none

  void refill_spares() noexcept { spares_.fill(); }  // now and then
  void close();                                      // before the loop's last turn

  // Its sockets, for another process.
  std::vector<HandedSockets> duplicate_sockets() const;
  // They are another's from now on, and the file of the control socket, too. Who is connected is
  // answered what was asked.
  void leave();
  // Who connects waits in the queue, for the process that the sockets are of as well, until own().
  void hold() noexcept { held_ = true; }
  // Inherited sockets, and the file of the control socket, are this process's from now on.
  void own();

  admin::AdminConnections connections() const { return {counters_.open.value(), shed_}; }

 private:
  static constexpr size_t kSpares = 4;

  bool may_accept() override { return !held_; }
  void on_accept(net::TransportPtr transport, const Address& peer) override;
  bool make_room(net::NetError error) override;
  void on_all_closed() override {}

  net::EventLoop& loop_;
  admin::AdminService& service_;
  uint32_t most_connections_ = 0;
  telemetry::DownstreamShard counters_;
  http::ServerSettings settings_{
      admin::AdminService::limits(), admin::AdminService::timeouts(), {}, counters_};
  http::ServerConnections connections_;
  SpareDescriptors spares_{kSpares};
  uint64_t shed_ = 0;
  std::string listen_;  // as configured
  std::string address_;
  std::string control_;
  net::SocketFile control_file_;
  bool control_is_activated_ = false;
  bool held_ = false;
  std::unique_ptr<net::Listener> network_listener_;
  std::unique_ptr<net::Listener> control_listener_;
};

}  // namespace onehop::server
