// SPDX-License-Identifier: MIT
#include "counted_proxy.h"

#include <csignal>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include "counting.h"
#include "onehop/http/h1.h"
#include "onehop/net/event_loop.h"
#include "onehop/net/listener.h"
#include "onehop/proxy/proxy.h"
#include "tests/support/gate.h"

namespace onehop::test {
namespace {

config::Config config_for(const std::string& origin) {
  config::Config config;
  config::Route route;
  route.upstream = "app";
  config.routes.push_back(route);
  config::Upstream upstream;
  upstream.name = "app";
  upstream.endpoints.push_back({origin, 1});
  config.upstreams.push_back(upstream);
  return config;
}

std::vector<Address> addresses_of(const std::string& origin) {
  const auto parsed = parse_host_port(origin);
  if (!parsed.has_value()) throw std::runtime_error("not an address: " + origin);
  return {Address::numeric(parsed->host, parsed->port).value()};
}

}  // namespace

// Declared in the order in which things are needed: destroyed the other way round.
struct CountedProxy::Path final : net::Listener::Events, http::ServerConnections::Events {
  explicit Path(const std::string& origin) : config(config_for(origin)) {
    const upstream::Upstream::Parts parts{loop,    loop, pools, config.server.limits, shard,
                                          nullptr, 0,    1,     reachability};
    const std::vector<Address> addresses = addresses_of(origin);
    upstreams.push_back(
        std::make_unique<upstream::Upstream>(config.upstreams[0], addresses, 0, parts));
  }

  bool may_accept() override { return true; }

  void on_accept(net::TransportPtr transport, const Address& peer) override {
    http::Client client;
    client.address = peer;
    client.ip_length = static_cast<uint8_t>(peer.write_ip(client.ip));
    http::h1::serve(loop, std::move(transport), client, proxy, settings, connections);
  }
  bool make_room(net::NetError) override { return false; }
  void on_all_closed() override {}

  config::Config config;
  telemetry::Shard shard{0, 1, 1};
  net::EventLoop loop;
  upstream::Pools pools;
  std::vector<upstream::Reachability> reachability{1};
  std::vector<std::unique_ptr<upstream::Upstream>> upstreams;
  routing::Router router{config.routes, config.upstreams};
  proxy::Proxy proxy{{loop, config.server, router, upstreams, shard, 1}};
  http::ServerSettings settings{config.server.limits, config.server.timeouts, config.server.http2,
                                shard.downstream};
  http::ServerConnections connections{loop, settings, *this};
};

CountedProxy::CountedProxy(std::string origin) : origin_(std::move(origin)) {
  std::signal(SIGPIPE, SIG_IGN);
  Gate ready;
  thread_ = std::thread([this, &ready] { run([&ready] { ready.open(); }); });
  ready.wait();
}

CountedProxy::~CountedProxy() {
  loop_->stop();
  thread_.join();
}

void CountedProxy::run(const std::function<void()>& ready) {
  Path path(origin_);
  auto socket = net::ListeningSocket::open(Address::numeric("127.0.0.1", 0).value(), 128,
                                           net::ListeningSocket::Port::mine_alone);
  if (!socket.has_value()) throw std::runtime_error("cannot listen");
  address_ = socket->local().to_string();
  auto listener = net::Listener::start(path.loop, std::move(*socket), path);
  loop_ = &path.loop;
  ready();
  path.loop.run();
  listener.reset();
  path.connections.close_all();
  path.loop.end_turn();
  for (auto& upstream : path.upstreams) upstream->close();
  path.loop.end_turn();
}

void CountedProxy::on_loop(const std::function<void()>& task) {
  Gate done;
  loop_->post([&] {
    task();
    done.open();
  });
  done.wait();
}

void CountedProxy::start_counting() {
  on_loop([] { test::start_counting(); });
}

size_t CountedProxy::stop_counting() {
  size_t blocks = 0;
  on_loop([&] {
    blocks = test::stop_counting();
    stacks_ = first_stacks();
  });
  return blocks;
}

}  // namespace onehop::test
