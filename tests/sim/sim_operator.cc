// SPDX-License-Identifier: MIT
#include "sim_operator.h"

#include <algorithm>
#include <string>

namespace onehop::test {
namespace {

// The ports of the endpoints of each upstream, so that whoever is dialed says whose it is.
constexpr uint16_t kOfApp = 9000;
constexpr uint16_t kOfOther = 9100;

std::string address_of(uint16_t first, uint64_t index) {
  return "127.0.0.1:" + std::to_string(first + index);
}

config::Config any_config(World& world) {
  config::Server server;
  server.timeouts.idle = config::seconds(20);
  server.timeouts.write_stall = config::milliseconds(world.weather.write_stall_ms);
  config::Upstream upstream;
  upstream.name = "app";
  const uint64_t endpoints = world.random.between(1, 3);
  for (uint64_t i = 0; i < endpoints; ++i) upstream.endpoints.push_back({address_of(kOfApp, i), 1});
  if (world.random.chance(500)) upstream.balance = config::Balance::least_requests;
  upstream.pool.max_connections = world.weather.max_connections;
  if (world.random.chance(200)) upstream.pool.max_requests = world.random.between(1, 3);
  if (world.random.chance(100)) upstream.pool.max_idle = 1;
  if (world.random.chance(50)) upstream.pool.reuse = false;
  upstream.timeouts.response_head = config::seconds(10);
  upstream.timeouts.response_idle = config::seconds(10);
  if (world.weather.endpoints_change > 0 && world.random.chance(300))
    upstream.slow_start = config::milliseconds(world.random.between(1, 500));
  upstream.endpoint_drain = config::milliseconds(world.weather.endpoint_drain_ms);
  if (world.weather.http2) upstream.protocol = config::UpstreamProtocol::h2;
  return config_of(upstream, server);
}

// What another file may say otherwise, and requests in flight must not notice.
void change_settings(World& world, config::Config& config) {
  Random& random = world.random;
  if (random.chance(300)) config.server.timeouts.idle = config::seconds(random.between(5, 60));
  if (random.chance(300)) config.server.limits.head_fields = random.between(30, 200);
  if (random.chance(300)) config.server.limits.request_body = random.between(1, 100) * 1'000'000;
  if (random.chance(300)) config.server.limits.buffered_per_stream = random.between(8, 64) * 1024;
  config::Upstream& upstream = config.upstreams.front();
  if (random.chance(300)) upstream.pool.max_connections = 2;
  if (random.chance(300)) upstream.timeouts.response_head = config::seconds(random.between(8, 60));
  if (random.chance(300)) upstream.timeouts.connect = config::seconds(random.between(1, 9));
  if (random.chance(300)) upstream.retries = static_cast<uint32_t>(random.between(3, 15));
  if (random.chance(300)) upstream.slow_start = config::milliseconds(random.between(1, 500));
}

// Of `path` and what is below it.
config::Route route_to(const std::string& upstream, const std::string& path = "/") {
  config::Route route;
  route.path = path;
  route.upstream = upstream;
  return route;
}

}  // namespace

config::Config SimOperator::begin() {
  config::Config config = any_config(world_);
  first_ = config.upstreams.front().endpoints;
  note_members(kOfApp, first_, {});
  return config;
}

SimOperator::Act SimOperator::next() {
  if (world_.random.chance(world_.weather.endpoints_change)) return Act::change_endpoints;
  if (world_.random.chance(world_.weather.weights_change)) return Act::change_weights;
  return world_.random.chance(world_.weather.reload) ? Act::reload : Act::nothing;
}

void SimOperator::act(Act what, SmallProxy& small) {
  ++changes_;
  switch (what) {
    case Act::nothing:
      break;
    case Act::change_endpoints:
      return change_endpoints(small);
    case Act::change_weights:
      return change_weights(small);
    case Act::reload:
      return reload(small);
  }
}

// Some of five, in any order, with any weights; or none.
std::vector<config::Endpoint> SimOperator::any_endpoints(uint16_t first) {
  std::vector<config::Endpoint> endpoints;
  if (world_.random.chance(world_.weather.empty)) return endpoints;
  const uint64_t begin = world_.random.below(5);
  const uint64_t count = world_.random.between(1, 4);
  for (uint64_t i = 0; i < count; ++i) {
    endpoints.push_back(
        {address_of(first, (begin + i) % 5), static_cast<uint32_t>(world_.random.between(1, 3))});
  }
  return endpoints;
}

void SimOperator::note_members(uint16_t first, const std::vector<config::Endpoint>& endpoints,
                               const std::vector<std::string>& drained) {
  std::vector<uint16_t> ports;
  for (const config::Endpoint& endpoint : endpoints) {
    if (std::ranges::count(drained, endpoint.address) == 0)
      ports.push_back(parse_host_port(endpoint.address)->port);
  }
  world_.members.set(first, ports);
}

// Now and then what is gone is folded, as a worker's server does once a second.
void SimOperator::change_endpoints(SmallProxy& small) {
  const std::vector<config::Endpoint> endpoints = any_endpoints(kOfApp);
  std::vector<std::string> drained;
  for (const config::Endpoint& endpoint : endpoints) {
    if (world_.random.chance(world_.weather.drained)) drained.push_back(endpoint.address);
  }
  note_members(kOfApp, endpoints, drained);
  world_.note("the endpoints change");
  small.use(endpoints, drained);
  if (world_.random.chance(300)) small.telemetry.fold(small.telemetry.take_let_go());
}

// Of those that it began with.
void SimOperator::change_weights(SmallProxy& small) {
  for (config::Endpoint& endpoint : first_)
    endpoint.weight = static_cast<uint32_t>(world_.random.between(1, 3));
  small.use(first_);
}

// An upstream that the configuration loses is there for older requests, with its endpoints.
void SimOperator::reload(SmallProxy& small) {
  config::Config config = any_config(world_);
  config.upstreams.front().endpoints = any_endpoints(kOfApp);
  change_settings(world_, config);
  note_members(kOfApp, config.upstreams.front().endpoints, {});
  if (world_.random.chance(300)) {
    config.upstreams.push_back(config.upstreams.front());
    config.upstreams.back().name = "other";
    config.upstreams.back().endpoints = any_endpoints(kOfOther);
    note_members(kOfOther, config.upstreams.back().endpoints, {});
    config.routes = {route_to(world_.random.chance(500) ? "app" : "other")};
    if (world_.random.chance(300)) {
      const uint64_t first_of_a_client = 100 * world_.random.between(1, 6);
      config.routes.push_back(route_to("other", "/r/" + std::to_string(first_of_a_client)));
    }
  }
  world_.note("another configuration");
  small.apply(config);
}

}  // namespace onehop::test
