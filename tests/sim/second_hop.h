// SPDX-License-Identifier: MIT
// A second proxy between the first one and the origin, which speaks HTTP/2 to the first: so a
// scenario has both ends of HTTP/2 in the same weather. What the origin does to it, it passes on.
#pragma once

#include <list>
#include <memory>
#include <vector>

#include "onehop/http/connection.h"
#include "onehop/proxy/proxy.h"
#include "wire.h"
#include "world.h"

namespace onehop::test {

class SecondHop final : private http::ServerConnections::Events {
 public:
  // `dialer` reaches the origin; its transports are counted in nothing.
  SecondHop(World& world, net::Dialer& dialer, uint64_t seed);
  ~SecondHop();

  // The far end of a connection of the first proxy.
  std::shared_ptr<Wire> accept();

  // Everything is given up; "" when nothing is left over.
  std::string stop();

 private:
  // Two wires end to end: what leaves one arrives on the other.
  class Splice;

  void on_all_closed() override {}

  World& world_;
  config::Config config_;
  telemetry::Shard shard_{0, 1, 1};
  upstream::Pools pools_;
  std::vector<upstream::Reachability> reachability_{1};
  std::vector<std::unique_ptr<upstream::Upstream>> upstreams_;
  routing::Router router_;
  proxy::Proxy proxy_;
  http::ServerSettings settings_;
  http::ServerConnections connections_{world_.loop, settings_, *this};
  std::list<std::unique_ptr<Splice>> splices_;
};

}  // namespace onehop::test
