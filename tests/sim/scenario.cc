// SPDX-License-Identifier: MIT
#include "scenario.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "onehop/http/h1.h"
#include "onehop/telemetry/snapshot.h"
#include "second_hop.h"
#include "sim_client.h"
#include "sim_origin.h"
#include "tests/support/small_proxy.h"

namespace onehop::test {
namespace {

constexpr uint64_t kMostTurns = 200'000;
// What one side may hold for the other: the high-water mark, what was read ahead (up to its own
// mark and one read more), and heads.
constexpr size_t kMostUnsent = (128 + 64 + 64 + 16) * 1024;

std::string address_of(uint64_t index) {
  return "127.0.0.1:" + std::to_string(9000 + index);
}

config::Config make_config(World& world) {
  config::Server server;
  server.timeouts.idle = config::seconds(20);
  server.timeouts.write_stall = config::milliseconds(world.weather.write_stall_ms);
  config::Upstream upstream;
  upstream.name = "app";
  const uint64_t endpoints = world.random.between(1, 3);
  for (uint64_t i = 0; i < endpoints; ++i) upstream.endpoints.push_back({address_of(i), 1});
  if (world.random.chance(500)) upstream.balance = config::Balance::least_requests;
  upstream.pool.max_connections = world.weather.max_connections;
  if (world.random.chance(200)) upstream.pool.max_requests = world.random.between(1, 3);
  if (world.random.chance(100)) upstream.pool.max_idle = 1;
  if (world.random.chance(50)) upstream.pool.reuse = false;
  upstream.timeouts.response_head = config::seconds(10);
  upstream.timeouts.response_idle = config::seconds(10);
  if (world.weather.http2) upstream.protocol = config::UpstreamProtocol::h2;
  return config_of(upstream, server);
}

// Some of five, at least one, in any order, with any weights.
std::vector<config::Endpoint> any_endpoints(World& world) {
  std::vector<config::Endpoint> endpoints;
  const uint64_t first = world.random.below(5);
  const uint64_t count = world.random.between(1, 4);
  for (uint64_t i = 0; i < count; ++i) {
    endpoints.push_back(
        {address_of((first + i) % 5), static_cast<uint32_t>(world.random.between(1, 3))});
  }
  return endpoints;
}

// The proxy, with each of its exchanges counted.
class CountingService final : public http::Service {
 public:
  explicit CountingService(proxy::Proxy& proxy) : proxy_(proxy) {}
  std::unique_ptr<http::Responder> open(http::ServerStream& stream, const http::Client& client,
                                        const http::HeadTimes& times) override {
    ++begun;
    return proxy_.open(stream, client, times);
  }
  uint64_t begun = 0;

 private:
  proxy::Proxy& proxy_;
};

// Declared in the order in which things are needed: destroyed the other way round.
class Scenario final : private http::ServerConnections::Events {
 public:
  Scenario(uint64_t seed, const Weather& weather);
  Report run();

 private:
  void on_all_closed() override {}
  void connect(size_t index);
  bool all_gone() const;
  void check_turn();
  void check_pools();
  // Of all pools with one address: an endpoint that left and came back has two for a while.
  struct Pools {
    int64_t open = 0;
    int64_t counted = 0;
    size_t count = 0;
  };
  void check_pool(const telemetry::EndpointMetrics& counted, const Pools& pools);
  void change_endpoints();
  void reload();
  std::vector<telemetry::EndpointValues> all_endpoints() const {
    return telemetry::by_upstream(telemetry::merge(small_.telemetry));
  }
  void check_dials();
  void check_end();
  void stop();
  void expect(bool holds, const char* what) {
    if (!holds) world_.wrong(what);
  }
  uint64_t ended();

  World world_;
  SimOrigin origin_{world_};
  SimDialer origin_dialer_{world_, nullptr, [this](uint16_t) { return origin_.accept(); }};
  std::unique_ptr<SecondHop> second_;  // with weather.http2
  SimDialer dialer_{world_, &world_.upstream_transports, [this](uint16_t) {
                      return second_ != nullptr ? second_->accept() : origin_.accept();
                    }};
  SmallProxy small_;
  CountingService service_{small_.proxy};
  http::ServerConnections connections_{world_.loop, small_.settings, *this};
  uint64_t changes_ = 0;
  SimClient::Tally tally_;
  std::vector<std::unique_ptr<SimClient>> clients_;
  size_t connected_ = 0;
};

Scenario::Scenario(uint64_t seed, const Weather& weather)
    : world_(seed, weather), small_(make_config(world_), world_.loop, dialer_, seed) {
  if (weather.http2) second_ = std::make_unique<SecondHop>(world_, origin_dialer_, seed + 1);
  const uint64_t clients = world_.random.between(1, 6);
  for (uint64_t i = 0; i < clients; ++i) {
    clients_.push_back(std::make_unique<SimClient>(world_, tally_, 100 * (i + 1)));
    world_.loop.after_us(world_.random.below(20'000), [this, i] { connect(i); });
  }
}

void Scenario::connect(size_t index) {
  ++connected_;
  http::Client client;
  client.address = Address::numeric("127.0.0.1", 5000).value();
  client.ip_length = static_cast<uint8_t>(client.address.write_ip(client.ip));
  http::h1::serve(world_.loop, make_transport(world_, clients_[index]->open(), nullptr), client,
                  service_, small_.settings, connections_);
}

bool Scenario::all_gone() const {
  if (connected_ < clients_.size() || connections_.size() > 0) return false;
  for (const auto& client : clients_) {
    if (!client->done()) return false;
  }
  return true;
}

uint64_t Scenario::ended() {
  uint64_t sum = 0;
  for (size_t i = 0; i < telemetry::kMaxOutcomes; ++i) sum += small_.downstream().outcomes.value(i);
  return sum;
}

void Scenario::check_turn() {
  const telemetry::DownstreamShard& clients = small_.downstream();
  expect(clients.in_flight.value() == static_cast<int64_t>(service_.begun - ended()),
         "requests in flight are not those that were begun and have not ended");
  expect(clients.open.value() == static_cast<int64_t>(connections_.size()),
         "the gauge of open client connections is not their number");
  expect(clients.idle.value() >= 0 && clients.idle.value() <= clients.open.value(),
         "more idle client connections than open ones");
  uint64_t by_class = 0;
  for (size_t i = 0; i < telemetry::kStatusClassNames.size(); ++i)
    by_class += clients.requests.value(i);
  expect(by_class == ended(), "requests by class and by outcome have different sums");
  check_pools();
  expect(world_.most_unsent <= kMostUnsent, "more bytes are held than the flow control allows");
}

void Scenario::check_pools() {
  int64_t open = 0;
  small_.telemetry.for_each_endpoint(
      [&](const telemetry::EndpointCells& cells) { open += telemetry::merge_metrics(cells).open; });
  expect(open == world_.upstream_transports, "the pools hold other sockets than they count");
  if (small_.upstreams.empty()) return;  // it has ended
  std::map<std::string, Pools> by_address;
  const upstream::Upstream& upstream = *small_.upstreams[0];
  for (const auto endpoints : {upstream.endpoints(), upstream.leaving()}) {
    for (const auto& endpoint : endpoints) {
      Pools& pools = by_address[endpoint->name()];
      pools.open += static_cast<int64_t>(endpoint->pool().open_count());
      pools.counted += static_cast<int64_t>(endpoint->pool().counted());
      ++pools.count;
    }
  }
  small_.telemetry.for_each_endpoint([&](const telemetry::EndpointCells& cells) {
    // Another upstream may be gone, and have connections still.
    if (cells.name.upstream == upstream.name())
      check_pool(telemetry::merge_metrics(cells), by_address[cells.name.address]);
  });
}

void Scenario::check_pool(const telemetry::EndpointMetrics& counted, const Pools& pools) {
  expect(counted.open == pools.open, "a pool's gauge of open connections is off");
  expect(counted.idle >= 0 && counted.idle <= counted.open,
         "a pool has more idle connections than open ones");
  expect(counted.open - counted.idle + counted.connecting + counted.queued <= counted.in_flight,
         "a connection is lent to nobody");
  const uint64_t closed = telemetry::sum(counted.closed);
  expect(telemetry::sum(counted.opened) - closed == static_cast<uint64_t>(counted.open),
         "opened less closed is not open");
  if (pools.count > 1 || world_.weather.reload != 0) return;
  const int64_t most = world_.weather.max_connections;
  if (most == 0)
    return expect(counted.queued == 0, "somebody waits for a place in an unlimited pool");
  expect(pools.counted + counted.connecting <= most,
         "a pool has more connections than max_connections");
  expect(counted.queued == 0 || counted.idle == 0, "somebody waits although a connection is idle");
  expect(counted.queued == 0 || counted.open + counted.connecting >= most,
         "somebody waits although there is room to dial");
}

// What an endpoint has accepted can be reckoned from what is counted here.
void Scenario::check_dials() {
  uint64_t ended = 0;
  for (const telemetry::EndpointValues& upstream : all_endpoints())
    ended += upstream.connect_failed + upstream.dials_given_up + telemetry::sum(upstream.opened);
  expect(ended == dialer_.begun(), "a dial has no end that is counted, or two");
}

// Now and then what is gone is folded, as a worker's server does once a second.
void Scenario::change_endpoints() {
  ++changes_;
  small_.use(any_endpoints(world_));
  world_.note("the endpoints change");
  if (world_.random.chance(300)) small_.telemetry.fold(small_.telemetry.take_let_go());
}

void Scenario::reload() {
  ++changes_;
  config::Config config = make_config(world_);
  config.upstreams[0].endpoints = any_endpoints(world_);
  if (world_.random.chance(300)) config.upstreams[0].pool.max_connections = 2;
  if (world_.random.chance(300)) {
    config.upstreams.push_back(config.upstreams[0]);
    config.upstreams[1].name = "other";
    config.routes[0].upstream = world_.random.chance(500) ? "app" : "other";
  }
  small_.apply(config);
  world_.note("another configuration");
}

void Scenario::check_end() {
  const telemetry::DownstreamShard& clients = small_.downstream();
  expect(clients.in_flight.value() == 0, "an exchange is left over");
  expect(service_.begun == ended(), "an exchange has no outcome, or two");
  expect(clients.open.value() == 0 && clients.idle.value() == 0,
         "a client connection is left over");
  uint64_t closed = 0;
  for (size_t i = 0; i < telemetry::kCloserCount; ++i) closed += clients.closed.value(i);
  expect(clients.accepted.value() == closed, "accepted is not closed when all clients are gone");
  for (const telemetry::EndpointValues& upstream : all_endpoints()) {
    expect(upstream.in_flight == 0, "an attempt is left over");
    expect(upstream.connecting == 0 && upstream.queued == 0, "a wait is left over");
    expect(upstream.open == upstream.idle, "a lease is left over");
  }
  for (const auto& upstream : small_.upstreams)
    expect(upstream->leaving().empty(), "an endpoint that left is left over");
  check_dials();
}

// As a worker ends: from the clients to the pools.
void Scenario::stop() {
  connections_.close_all();
  world_.loop.end_turn();
  check_end();
  small_.finish();
  check_turn();
  expect(world_.upstream_transports == 0, "an upstream connection is left over");
  if (second_ != nullptr) {
    const std::string left = second_->stop();
    if (!left.empty()) world_.wrong(left);
  }
  world_.loop.drop_events();
}

Report Scenario::run() {
  uint64_t turns = 0;
  bool stopped = false;
  while (world_.violation.empty() && !all_gone() && !stopped) {
    if (!world_.loop.run_turn()) {
      world_.wrong("nothing will happen any more, and a client is still there");
      break;
    }
    if (world_.random.chance(world_.weather.endpoints_change)) change_endpoints();
    if (world_.random.chance(world_.weather.reload)) reload();
    world_.loop.end_turn();
    check_turn();
    if (++turns > kMostTurns) world_.wrong("it goes round in circles");
    if (world_.random.chance(world_.weather.jump)) {
      world_.loop.jump_ms(world_.random.between(1, 30'000));
      world_.note("the clock jumps");
    }
    stopped = world_.weather.stop != 0 && world_.random.chance(world_.weather.stop);
  }
  if (!stopped && world_.violation.empty()) check_end();
  stop();
  Report report;
  report.violation = world_.violation;
  report.asked = tally_.asked;
  report.answered = tally_.answered;
  report.answered_here = tally_.answered_here;
  report.stalled =
      small_.downstream().outcomes.value(static_cast<size_t>(proxy::Outcome::client_stalled));
  report.changes = changes_;
  for (const telemetry::EndpointValues& upstream : all_endpoints())
    report.given_up += upstream.dials_given_up;
  for (const auto& [name, departed] : small_.telemetry.departed())
    report.departed += telemetry::sum(departed.values->requests);
  report.most_unsent = world_.most_unsent;
  if (!report.violation.empty()) {
    for (const std::string& note : world_.notes) report.notes += note + "\n";
  }
  return report;
}

}  // namespace

Report run_scenario(uint64_t seed, const Weather& weather) {
  Scenario scenario(seed, weather);
  return scenario.run();
}

}  // namespace onehop::test
