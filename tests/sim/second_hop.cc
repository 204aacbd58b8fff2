// SPDX-License-Identifier: MIT
#include "second_hop.h"

#include <utility>

#include "onehop/http/h2.h"

namespace onehop::test {
namespace {

config::Config make_config(World& world) {
  config::Server server;
  server.timeouts.write_stall = config::milliseconds(world.weather.write_stall_ms);
  config::Upstream upstream;
  upstream.name = "origin";
  upstream.endpoints.push_back({"127.0.0.1:9100", 1});
  upstream.retries = 0;  // the first proxy's are what is counted
  upstream.timeouts.response_head = config::seconds(10);
  upstream.timeouts.response_idle = config::seconds(10);
  return config_of(upstream, server);
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
    : world_(world), small_(make_config(world), world.loop, dialer, seed) {}

SecondHop::~SecondHop() = default;

std::shared_ptr<Wire> SecondHop::accept() {
  splices_.push_back(std::make_unique<Splice>(world_));
  http::Client client;
  client.address = Address::numeric("127.0.0.1", 5001).value();
  client.ip_length = static_cast<uint8_t>(client.address.write_ip(client.ip));
  http::h2::serve(world_.loop, make_transport(world_, splices_.back()->second(), nullptr), client,
                  small_.proxy, small_.settings, connections_);
  return splices_.back()->first();
}

std::string SecondHop::stop() {
  connections_.close_all();
  world_.loop.end_turn();
  small_.finish();
  const telemetry::DownstreamShard& clients = small_.downstream();
  const telemetry::EndpointShard& origin = small_.endpoint("127.0.0.1:9100");
  if (clients.in_flight.value() != 0) return "the second proxy has an exchange left over";
  if (clients.open.value() != 0 || clients.idle.value() != 0)
    return "the second proxy has a client connection left over";
  if (origin.in_flight.value() != 0 || origin.connecting.value() != 0 || origin.open.value() != 0)
    return "the second proxy has an attempt left over";
  return {};
}

}  // namespace onehop::test
