// SPDX-License-Identifier: MIT
#include "second_hop.h"

#include <utility>

#include "onehop/http/h2.h"

namespace onehop::test {
namespace {

config::Config make_config(World& world) {
  config::Config config;
  config.server.timeouts.write_stall = config::milliseconds(world.weather.write_stall_ms);
  config::Route route;
  route.upstream = "origin";
  config.routes.push_back(route);
  config::Upstream upstream;
  upstream.name = "origin";
  upstream.endpoints.push_back({"127.0.0.1:9100", 1});
  upstream.retries = 0;  // the first proxy's are what is counted
  upstream.timeouts.response_head = config::seconds(10);
  upstream.timeouts.response_idle = config::seconds(10);
  config.upstreams.push_back(upstream);
  return config;
}

}  // namespace

class SecondHop::Splice {
 public:
  explicit Splice(World& world)
      : first_(std::make_shared<Wire>(world, left_)),
        second_(std::make_shared<Wire>(world, right_)) {
    left_.other = second_.get();
    right_.other = first_.get();
  }
  const std::shared_ptr<Wire>& first() const { return first_; }
  const std::shared_ptr<Wire>& second() const { return second_; }

 private:
  struct End final : FarEnd {
    void on_bytes(std::string_view bytes) override { other->send(bytes); }
    void on_end() override { other->finish(); }
    void on_reset() override { other->reset(); }
    Wire* other = nullptr;
  };
  End left_;
  End right_;
  std::shared_ptr<Wire> first_;   // its near end is a transport of the first proxy
  std::shared_ptr<Wire> second_;  // and this one's of the second
};

SecondHop::SecondHop(World& world, net::Dialer& dialer, uint64_t seed)
    : world_(world),
      config_(make_config(world)),
      router_(config_.routes, config_.upstreams),
      proxy_({world.loop, config_.server, router_, upstreams_, shard_, seed}),
      settings_{config_.server.limits, config_.server.timeouts, config_.server.http2,
                shard_.downstream} {
  const upstream::Upstream::Parts parts{world.loop, dialer, pools_, config_.server.limits, shard_,
                                        nullptr,    0,      1,      reachability_};
  const std::vector<Address> addresses = {Address::numeric("127.0.0.1", 9100).value()};
  upstreams_.push_back(
      std::make_unique<upstream::Upstream>(config_.upstreams[0], addresses, 0, parts));
}

SecondHop::~SecondHop() = default;

std::shared_ptr<Wire> SecondHop::accept() {
  splices_.push_back(std::make_unique<Splice>(world_));
  http::Client client;
  client.address = Address::numeric("127.0.0.1", 5001).value();
  client.ip_length = static_cast<uint8_t>(client.address.write_ip(client.ip));
  http::h2::serve(world_.loop, make_transport(world_, splices_.back()->second(), nullptr), client,
                  proxy_, settings_, connections_);
  return splices_.back()->first();
}

std::string SecondHop::stop() {
  connections_.close_all();
  world_.loop.end_turn();
  for (auto& upstream : upstreams_) upstream->close();
  world_.loop.end_turn();
  const telemetry::DownstreamShard& clients = shard_.downstream;
  const telemetry::EndpointShard& origin = shard_.endpoints[0];
  if (clients.in_flight.value() != 0) return "the second proxy has an exchange left over";
  if (clients.open.value() != 0 || clients.idle.value() != 0)
    return "the second proxy has a client connection left over";
  if (origin.in_flight.value() != 0 || origin.connecting.value() != 0 || origin.open.value() != 0)
    return "the second proxy has an attempt left over";
  return {};
}

}  // namespace onehop::test
