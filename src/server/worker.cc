// SPDX-License-Identifier: MIT
#include "worker.h"

#include <fmt/format.h>
#include <sys/random.h>

#include <algorithm>
#include <utility>

#include "onehop/base/log.h"

namespace onehop::server {
namespace {

uint64_t random_seed() {
  uint64_t seed = 0;
  if (::getrandom(&seed, sizeof seed, 0) != sizeof seed) seed = 0x9E3779B97F4A7C15u;
  return seed;
}

}  // namespace

Worker::Worker(const Parts& parts)
    : parts_(parts),
      upstreams_({.loop = loop_,
                  .dialer = loop_,
                  .pools = pools_,
                  .worker = parts.index,
                  .worker_count = parts.count,
                  .alarm = parts.alarm}),
      proxy_({.loop = loop_,
              .shard = parts.shard,
              .seed = random_seed(),
              .failures = &parts.failures,
              .access = &parts.access}),
      settings_{.limits = {}, .timeouts = {}, .http2 = {}, .counters = parts.shard.downstream},
      connections_(loop_, settings_, *this) {}

void Worker::use(const http::ListenerTerms::Key& listener,
                 std::shared_ptr<const tls::ServerContext> context) {
  post([this, listener, context = std::move(context)] {
    for (auto& acceptor : acceptors_) {
      if (acceptor->key() == listener) acceptor->use(context);
    }
  });
}

void Worker::use(const config::Upstream& upstream,
                 std::shared_ptr<const tls::ClientContext> context) {
  post([this, upstream, context = std::move(context)] {
    if (const auto found = upstreams_.find(upstream)) found->use(context);
  });
}

void Worker::use(const config::Upstream& upstream, upstream::EndpointSet set) {
  post([this, upstream, set = std::move(set)] {
    if (const auto found = upstreams_.find(upstream)) found->use(set);
  });
}

Worker::~Worker() {
  join();
}

void Worker::join() {
  if (thread_.joinable()) thread_.join();
}

void Worker::start(std::shared_ptr<const Change> change, NewSockets sockets) {
  apply(std::move(change), std::move(sockets), [] {});
  thread_ = std::thread([this] { run(); });
}

void Worker::apply(std::shared_ptr<const Change> change, NewSockets sockets,
                   std::function<void()> done) {
  // A task is copied, and a socket cannot be.
  auto own = std::make_shared<NewSockets>(std::move(sockets));
  post([this, change = std::move(change), own = std::move(own), done = std::move(done)] {
    take(*change, *own);
    done();
  });
}

// Upstreams first: a request that waits at an endpoint that is gone finds the others there. From
// the new epoch on new requests are decided by it, and then its listeners let clients in.
void Worker::take(const Change& change, NewSockets& sockets) {
  const proxy::Snapshot& snapshot = *change.snapshot;
  const config::Server& server = snapshot.server();
  settings_.limits = server.limits;
  settings_.timeouts = server.timeouts;
  settings_.http2 = server.http2;
  max_connections_ = change.max_connections;
  // From half of it on, as then there is room for the small pieces of many.
  loop_.read_little_beyond(server.limits.buffered - server.limits.buffered / 2);
  std::vector<telemetry::RouteShard*> routes;
  for (telemetry::RouteCells* cells : change.routes)
    routes.push_back(&cells->by_worker.of(parts_.index));
  proxy_.use(std::make_unique<proxy::Epoch>(
      proxy::Epoch::Parts{.loop = loop_,
                          .snapshot = change.snapshot,
                          .upstreams = take_upstreams(change),
                          .routes = std::move(routes),
                          .no_route = change.no_route->by_worker.of(parts_.index),
                          .rate_limits = take_rate_limits(change)}));
  if (!connections_.draining()) take_listeners(change, sockets);
}

std::vector<std::shared_ptr<upstream::Upstream>> Worker::take_upstreams(const Change& change) {
  const config::Config& config = change.snapshot->config();
  std::vector<upstream::Upstreams::Wanted> wanted;
  for (size_t i = 0; i < config.upstreams.size(); ++i) {
    wanted.push_back({.settings = {.config = config.upstreams[i],
                                   .limits = config.server.limits,
                                   .tls = change.upstream_tls[i],
                                   .zone = config.server.zone,
                                   .sticky_secret = change.sticky_secret},
                      .endpoints = change.endpoints[i]});
  }
  return upstreams_.take(wanted);
}

proxy::RateLimits Worker::take_rate_limits(const Change& change) {
  std::vector<telemetry::RateLimitShard*> counters;
  for (telemetry::RateLimitCells* cells : change.rate_limit_cells)
    counters.push_back(&cells->by_worker.of(parts_.index));
  return proxy::RateLimits({.config = change.snapshot->config(),
                            .listeners = change.snapshot->listeners(),
                            .hash_secret = change.hash_secret,
                            .tokens = change.rate_limits,
                            .counters = std::move(counters)});
}

void Worker::take_listeners(const Change& change, NewSockets& sockets) {
  const auto& listeners = change.snapshot->listeners();
  std::vector<std::unique_ptr<Acceptor>> now;
  for (size_t i = 0; i < listeners.size(); ++i) {
    std::unique_ptr<Acceptor> acceptor = take_acceptor(listeners[i]->key);
    if (acceptor == nullptr) {
      connections_.is_back(listeners[i]->key);
      acceptor = std::make_unique<Acceptor>(
          Acceptor::Parts{loop_, proxy_, settings_, connections_, *this});
    }
    const config::ListenerTls& tls = listeners[i]->config.tls;
    telemetry::ListenerCells* const cells = change.listener_cells[i];
    acceptor->configure(
        {.listener = listeners[i],
         .context = change.listener_tls[i],
         .tls_counters = cells != nullptr ? &cells->by_worker.of(parts_.index) : nullptr,
         .handshake_rate =
             static_cast<uint32_t>((tls.handshake_rate + parts_.count - 1) / parts_.count),
         .tells_destination = change.snapshot->tells_of_clients(),
         .gate = change.client_gates[i]});
    const auto [first, last] = sockets.equal_range(i);
    for (auto socket = first; socket != last; ++socket) acceptor->start(std::move(socket->second));
    now.push_back(std::move(acceptor));
  }
  std::swap(acceptors_, now);
  for (auto& gone : now) {
    if (gone != nullptr) end_acceptor(std::move(gone));
  }
}

// The one that there is, which is found no more; or null.
std::unique_ptr<Acceptor> Worker::take_acceptor(const http::ListenerTerms::Key& listener) {
  for (auto& acceptor : acceptors_) {
    if (acceptor != nullptr && acceptor->key() == listener) return std::move(acceptor);
  }
  return nullptr;
}

// A handshake that it has may still become a client.
void Worker::end_acceptor(std::unique_ptr<Acceptor> acceptor) {
  acceptor->stop();
  connections_.drain_those_of(acceptor->key(), static_cast<uint64_t>(config().drain_idle.count()));
  leaving_.push_back(std::move(acceptor));
  std::erase_if(leaving_, [](const auto& gone) { return gone->handshakes() == 0; });
}

void Worker::duplicate_sockets(std::function<void(Duplicates)> done) {
  post([this, done = std::move(done)] {
    Duplicates made;
    for (const auto& acceptor : acceptors_)
      made.emplace_back(acceptor->key(), acceptor->duplicate_sockets());
    done(std::move(made));
  });
}

void Worker::drain() {
  loop_.post([this] { begin_drain(); });
}

void Worker::stop_now() {
  loop_.post([this] { end(); });
}

void Worker::run() {
  loop_.run();
  // What is left is given up, on this thread, from the clients to the pools.
  acceptors_.clear();
  leaving_.clear();
  connections_.close_all();
  loop_.end_turn();
  proxy_.finish();
  loop_.end_turn();
}

void Worker::begin_drain() {
  for (auto& acceptor : acceptors_) acceptor->stop();
  loop_.arm(drain_deadline_, static_cast<uint64_t>(config().drain.count()));
  loop_.arm(tunnel_deadline_, static_cast<uint64_t>(config().tunnel_drain.count()));
  const auto idle = static_cast<uint64_t>(config().drain_idle.count());
  if (handshakes() > 0) loop_.arm(handshake_deadline_, idle);
  connections_.drain(idle);
}

// The time of one kind is over: at the later of the two everything ends.
void Worker::give_up(http::InFlight kind) {
  if (!drain_deadline_.armed() && !tunnel_deadline_.armed()) return end();
  const size_t before = connections_.size();
  if (kind == http::InFlight::requests) give_up_handshakes(&Acceptor::give_up_handshakes);
  connections_.cut(kind);
  const size_t given_up = before - connections_.size();
  if (given_up == 0) return;
  log::warning(fmt::format("worker {}: {} client connections are given up, {} go on with {}",
                           parts_.index, given_up, connections_.size(),
                           kind == http::InFlight::requests ? "tunnels" : "requests"));
}

// Whoever has said nothing is as an idle client is. One that has begun its handshake would see a
// connection cut: it has its handshake's time, and that of requests.
void Worker::give_up_handshakes(size_t (Acceptor::*these)()) {
  size_t count = 0;
  for (auto* all : {&acceptors_, &leaving_}) {
    for (auto& acceptor : *all) count += ((*acceptor).*these)();
  }
  if (count > 0)
    log::info(fmt::format("worker {}: {} handshakes are given up", parts_.index, count));
  end_if_drained();
}

void Worker::end_if_drained() {
  if (connections_.draining() && connections_.size() == 0 && handshakes() == 0) end();
}

size_t Worker::handshakes() const noexcept {
  size_t count = 0;
  for (const auto* all : {&acceptors_, &leaving_}) {
    for (const auto& acceptor : *all) count += acceptor->handshakes();
  }
  return count;
}

void Worker::end() {
  if (std::exchange(ended_, true)) return;
  if (connections_.size() > 0)
    log::warning(fmt::format("worker {}: {} client connections are given up", parts_.index,
                             connections_.size()));
  done_ = true;
  loop_.stop();
  parts_.on_done();
}

void Worker::judge(http::Client& client) const {
  client.trusted = proxy_.snapshot().trusts(client.address);
  client.judged_by = proxy_.snapshot().number();
}

bool Worker::may_accept() {
  if (connections_.size() + handshakes() < max_connections_) {
    at_limit_ = false;
    return true;
  }
  const bool room = shed(1) == 1;
  const bool waited = std::exchange(at_limit_, !room);
  if (at_limit_ && !waited) settings_.counters.accept_paused.add();
  if (room || !waited)
    parts_.shortage.limit_reached(loop_.now_ms(),
                                  room ? Shortage::Came::in : Shortage::Came::to_wait);
  return room;
}

bool Worker::make_room(net::NetError error) {
  const Shortage::Made made{pools_.evict_idle(), shed(kShedAtOnce)};
  parts_.shortage.descriptors_ran_out(loop_.now_ms(), parts_.index, error, made);
  if (made.upstream_closed + made.clients_closed > 0) return true;
  settings_.counters.accept_paused.add();
  return false;
}

bool Worker::make_room() {
  const size_t closed = shed(kShedAtOnce);
  parts_.shortage.descriptors_ran_out(loop_.now_ms(), parts_.index, {EMFILE}, {0, closed});
  return closed > 0;
}

size_t Worker::shed(size_t most) {
  const size_t count = connections_.shed_idle(most);
  settings_.counters.shed.add(count);
  return count;
}

}  // namespace onehop::server
