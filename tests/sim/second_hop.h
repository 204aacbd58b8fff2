// SPDX-License-Identifier: MIT
// A second proxy between the first one and the origin, which speaks HTTP/2 to the first: so a
// scenario has both ends of HTTP/2 in the same weather. What the origin does to it, it passes on.
#pragma once

#include <list>
#include <memory>
#include <vector>

#include "onehop/http/connection.h"
#include "tests/support/small_proxy.h"
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
  SmallProxy small_;
  http::ServerConnections connections_{world_.loop, small_.settings, *this};
  std::list<std::unique_ptr<Splice>> splices_;
};

}  // namespace onehop::test
