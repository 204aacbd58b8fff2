// SPDX-License-Identifier: MIT
#include "scenario.h"

#include <array>
#include <memory>
#include <vector>

#include "onehop/http/h1.h"
#include "onehop/proxy/outcome.h"
#include "onehop/proxy/proxy.h"
#include "second_hop.h"
#include "sim_client.h"
#include "sim_origin.h"

namespace onehop::test {
namespace {

constexpr uint64_t kMostTurns = 200'000;
// What one side may hold for the other: the high-water mark, what was read ahead (up to its own
// mark and one read more), and heads.
constexpr size_t kMostUnsent = (128 + 64 + 64 + 16) * 1024;

config::Config make_config(World& world) {
  config::Config config;
  config.server.timeouts.idle = config::seconds(20);
  config.server.timeouts.write_stall = config::milliseconds(world.weather.write_stall_ms);
  config::Route route;
  route.upstream = "app";
  config.routes.push_back(route);
  config::Upstream upstream;
  upstream.name = "app";
  const uint64_t endpoints = world.random.between(1, 3);
  for (uint64_t i = 0; i < endpoints; ++i)
    upstream.endpoints.push_back({"127.0.0.1:" + std::to_string(9000 + i), 1});
  if (world.random.chance(500)) upstream.balance = config::Balance::least_requests;
  upstream.pool.max_connections = world.weather.max_connections;
  if (world.random.chance(200)) upstream.pool.max_requests = world.random.between(1, 3);
  if (world.random.chance(100)) upstream.pool.max_idle = 1;
  if (world.random.chance(50)) upstream.pool.reuse = false;
  upstream.timeouts.response_head = config::seconds(10);
  upstream.timeouts.response_idle = config::seconds(10);
  if (world.weather.http2) upstream.protocol = config::UpstreamProtocol::h2;
  config.upstreams.push_back(upstream);
  return config;
}

std::vector<Address> addresses_of(const config::Upstream& upstream) {
  std::vector<Address> addresses;
  for (size_t i = 0; i < upstream.endpoints.size(); ++i)
    addresses.push_back(Address::numeric("127.0.0.1", static_cast<uint16_t>(9000 + i)).value());
  return addresses;
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
  void check_endpoint(size_t index);
  void check_dials();
  void check_end();
  void stop();
  void expect(bool holds, const char* what) {
    if (!holds) world_.wrong(what);
  }
  uint64_t ended() const;

  World world_;
  SimOrigin origin_{world_};
  SimDialer origin_dialer_{world_, nullptr, [this](uint16_t) { return origin_.accept(); }};
  std::unique_ptr<SecondHop> second_;  // with weather.http2
  SimDialer dialer_{world_, &world_.upstream_transports, [this](uint16_t) {
                      return second_ != nullptr ? second_->accept() : origin_.accept();
                    }};
  config::Config config_;
  telemetry::Shard shard_;
  upstream::Pools pools_;
  std::vector<upstream::Reachability> reachability_{config_.upstreams[0].endpoints.size()};
  std::vector<std::unique_ptr<upstream::Upstream>> upstreams_;
  routing::Router router_;
  proxy::Proxy proxy_;
  CountingService service_{proxy_};
  http::ServerSettings settings_;
  http::ServerConnections connections_{world_.loop, settings_, *this};
  SimClient::Tally tally_;
  std::vector<std::unique_ptr<SimClient>> clients_;
  size_t connected_ = 0;
};

Scenario::Scenario(uint64_t seed, const Weather& weather)
    : world_(seed, weather),
      config_(make_config(world_)),
      shard_(0, config_.upstreams[0].endpoints.size(), config_.routes.size()),
      router_(config_.routes, config_.upstreams),
      proxy_({world_.loop, config_.server, router_, upstreams_, shard_, seed}),
      settings_{config_.server.limits, config_.server.timeouts, config_.server.http2,
                shard_.downstream} {
  if (weather.http2) second_ = std::make_unique<SecondHop>(world_, origin_dialer_, seed + 1);
  const upstream::Upstream::Parts parts{world_.loop, dialer_, pools_, config_.server.limits, shard_,
                                        nullptr,     0,       1,      reachability_};
  upstreams_.push_back(std::make_unique<upstream::Upstream>(
      config_.upstreams[0], addresses_of(config_.upstreams[0]), 0, parts));
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
                  service_, settings_, connections_);
}

bool Scenario::all_gone() const {
  if (connected_ < clients_.size() || connections_.size() > 0) return false;
  for (const auto& client : clients_) {
    if (!client->done()) return false;
  }
  return true;
}

uint64_t Scenario::ended() const {
  uint64_t sum = 0;
  for (size_t i = 0; i < telemetry::kMaxOutcomes; ++i) sum += shard_.downstream.outcomes.value(i);
  return sum;
}

void Scenario::check_turn() {
  const telemetry::DownstreamShard& clients = shard_.downstream;
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
  int64_t open = 0;
  for (size_t i = 0; i < upstreams_[0]->endpoint_count(); ++i) {
    check_endpoint(i);
    open += shard_.endpoints[i].open.value();
  }
  expect(open == world_.upstream_transports, "the pools hold other sockets than they count");
  expect(world_.most_unsent <= kMostUnsent, "more bytes are held than the flow control allows");
}

void Scenario::check_endpoint(size_t index) {
  const telemetry::EndpointShard& counted = shard_.endpoints[index];
  upstream::Pool& pool = upstreams_[0]->endpoint(index).pool();
  const int64_t open = counted.open.value();
  const int64_t idle = counted.idle.value();
  const int64_t connecting = counted.connecting.value();
  const int64_t queued = counted.queued.value();
  const int64_t in_flight = counted.in_flight.value();
  expect(open == static_cast<int64_t>(pool.open_count()),
         "a pool's gauge of open connections is off");
  expect(idle >= 0 && idle <= open, "a pool has more idle connections than open ones");
  expect(open - idle + connecting + queued <= in_flight, "a connection is lent to nobody");
  uint64_t opened = 0;
  uint64_t closed = 0;
  for (size_t i = 0; i < telemetry::kOpenReasonCount; ++i) opened += counted.opened.value(i);
  for (size_t i = 0; i < telemetry::kCloserCount; ++i) closed += counted.closed.value(i);
  expect(opened - closed == static_cast<uint64_t>(open), "opened less closed is not open");
  const int64_t most = config_.upstreams[0].pool.max_connections;
  if (most == 0) return expect(queued == 0, "somebody waits for a place in an unlimited pool");
  const auto held = static_cast<int64_t>(pool.counted()) + connecting;
  expect(held <= most, "a pool has more connections than max_connections");
  expect(queued == 0 || idle == 0, "somebody waits although a connection is idle");
  expect(queued == 0 || open + connecting >= most, "somebody waits although there is room to dial");
}

// What an endpoint has accepted can be reckoned from what is counted here.
void Scenario::check_dials() {
  uint64_t ended = 0;
  for (const telemetry::EndpointShard& endpoint : shard_.endpoints) {
    ended += endpoint.connect_failed.value() + endpoint.dials_given_up.value();
    for (size_t i = 0; i < telemetry::kOpenReasonCount; ++i) ended += endpoint.opened.value(i);
  }
  expect(ended == dialer_.begun(), "a dial has no end that is counted, or two");
}

void Scenario::check_end() {
  const telemetry::DownstreamShard& clients = shard_.downstream;
  expect(clients.in_flight.value() == 0, "an exchange is left over");
  expect(service_.begun == ended(), "an exchange has no outcome, or two");
  expect(clients.open.value() == 0 && clients.idle.value() == 0,
         "a client connection is left over");
  uint64_t closed = 0;
  for (size_t i = 0; i < telemetry::kCloserCount; ++i) closed += clients.closed.value(i);
  expect(clients.accepted.value() == closed, "accepted is not closed when all clients are gone");
  for (const telemetry::EndpointShard& endpoint : shard_.endpoints) {
    expect(endpoint.in_flight.value() == 0, "an attempt is left over");
    expect(endpoint.connecting.value() == 0 && endpoint.queued.value() == 0, "a wait is left over");
    expect(endpoint.open.value() == endpoint.idle.value(), "a lease is left over");
  }
  check_dials();
}

// As a worker ends: from the clients to the pools.
void Scenario::stop() {
  connections_.close_all();
  world_.loop.end_turn();
  check_end();
  for (auto& upstream : upstreams_) upstream->close();
  world_.loop.end_turn();
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
      shard_.downstream.outcomes.value(static_cast<size_t>(proxy::Outcome::client_stalled));
  for (const telemetry::EndpointShard& endpoint : shard_.endpoints)
    report.given_up += endpoint.dials_given_up.value();
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
