// SPDX-License-Identifier: MIT
#include "scenario.h"

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "onehop/http/h1.h"
#include "onehop/telemetry/snapshot.h"
#include "second_hop.h"
#include "sim_client.h"
#include "sim_operator.h"
#include "sim_origin.h"
#include "tests/support/small_proxy.h"

namespace onehop::test {
namespace {

constexpr uint64_t kMostTurns = 200'000;
// What one side may hold for the other: the high-water mark, what was read ahead (up to its own
// mark and one read more), and heads.
constexpr size_t kMostUnsent = (128 + 64 + 64 + 16) * 1024;

// Everything that an upstream counts, in one row.
std::vector<uint64_t> counters_of(const telemetry::EndpointMetrics& upstream) {
  std::vector<uint64_t> counters;
  telemetry::for_each_endpoint_metric([&](const telemetry::MetricRow& row, auto cells_of) {
    if (row.kind != telemetry::MetricKind::counter) return;
    for (const auto value : cells_of(upstream)) counters.push_back(static_cast<uint64_t>(value));
  });
  return counters;
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
  void check_leaving();
  void check_counters();
  void check_gone();
  void act();
  void remember();
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
  SimOperator operator_{world_};
  SimDialer origin_dialer_{world_, nullptr, [this](uint16_t port) { return origin_.accept(port); }};
  std::unique_ptr<SecondHop> second_;  // with weather.http2
  SimDialer dialer_{world_, &world_.upstream_transports, [this](uint16_t port) {
                      return second_ != nullptr ? second_->accept() : origin_.accept(port);
                    }};
  SmallProxy small_;
  CountingService service_{small_.proxy};
  http::ServerConnections connections_{world_.loop, small_.settings, *this};
  SimClient::Tally tally_;
  std::vector<std::unique_ptr<SimClient>> clients_;
  size_t connected_ = 0;
  std::map<const upstream::Endpoint*, uint32_t> leaving_;  // what each had in flight
  std::map<std::string, std::vector<uint64_t>> counters_;  // of each upstream
  std::vector<std::weak_ptr<const proxy::Snapshot>> snapshots_;
  std::vector<std::weak_ptr<upstream::Upstream>> upstreams_;
};

Scenario::Scenario(uint64_t seed, const Weather& weather)
    : world_(seed, weather), small_(operator_.begin(), world_.loop, dialer_, seed) {
  remember();
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
  check_leaving();
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

// Nothing is given to an endpoint that has left: what it has can only become less.
void Scenario::check_leaving() {
  std::map<const upstream::Endpoint*, uint32_t> now;
  for (const auto& upstream : small_.upstreams) {
    for (const auto& endpoint : upstream->leaving()) {
      const auto before = leaving_.find(endpoint.get());
      expect(before == leaving_.end() || endpoint->in_flight() <= before->second,
             "an endpoint that had left was given a request");
      now[endpoint.get()] = endpoint->in_flight();
    }
  }
  leaving_ = std::move(now);
}

void Scenario::check_counters() {
  for (const telemetry::EndpointValues& upstream : all_endpoints()) {
    std::vector<uint64_t> now = counters_of(upstream);
    std::vector<uint64_t>& before = counters_[upstream.name.upstream];
    before.resize(now.size());
    for (size_t i = 0; i < now.size(); ++i)
      expect(now[i] >= before[i], "a counter of an upstream fell");
    before = std::move(now);
  }
}

// What was in force, to see at the end that it has gone.
void Scenario::remember() {
  snapshots_.push_back(small_.snapshot());
  for (const auto& upstream : small_.upstreams) upstreams_.push_back(upstream);
}

void Scenario::act() {
  const SimOperator::Act next = operator_.next();
  if (next == SimOperator::Act::nothing) return;
  check_counters();
  operator_.act(next, small_);
  remember();
  check_counters();
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
  check_counters();
  check_dials();
  check_gone();
}

// All but what is in force.
void Scenario::check_gone() {
  for (const auto& known : snapshots_) {
    const auto snapshot = known.lock();
    expect(snapshot == nullptr || snapshot == small_.snapshot(), "an epoch is left over");
  }
  for (const auto& known : upstreams_) {
    const auto upstream = known.lock();
    expect(upstream == nullptr || std::ranges::count(small_.upstreams, upstream) > 0,
           "an upstream that nobody has is left over");
  }
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
    act();
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
  report.drained_out = small_.downstream().outcomes.value(
      static_cast<size_t>(proxy::Outcome::endpoint_drain_timeout));
  report.changes = operator_.changes();
  report.took_ns = tally_.took_ns;
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
