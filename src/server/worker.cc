// SPDX-License-Identifier: MIT
#include "worker.h"

#include <fmt/format.h>
#include <sys/random.h>

#include <utility>

#include "onehop/base/log.h"
#include "onehop/http/h1.h"

namespace onehop::server {
namespace {

uint64_t random_seed() {
  uint64_t seed = 0;
  if (::getrandom(&seed, sizeof seed, 0) != sizeof seed) seed = 0x9E3779B97F4A7C15u;
  return seed;
}

}  // namespace

Worker::Worker(const Parts& parts, std::vector<net::ListeningSocket> sockets)
    : parts_(parts),
      sockets_(std::move(sockets)),
      proxy_({loop_, parts.config.server, parts.router, upstreams_, parts.shard.downstream,
              random_seed()}),
      settings_{parts.config.server.limits, parts.config.server.timeouts, parts.shard.downstream},
      connections_(loop_, *this) {
  size_t first_endpoint = 0;
  for (size_t i = 0; i < parts.config.upstreams.size(); ++i) {
    const upstream::Upstream::Parts made{
        loop_, loop_, pools_, parts.config.server.limits, parts.shard, parts.index, parts.count};
    upstreams_.push_back(std::make_unique<upstream::Upstream>(
        parts.config.upstreams[i], parts.addresses[i], first_endpoint, made));
    first_endpoint += parts.addresses[i].size();
  }
}

Worker::~Worker() {
  if (thread_.joinable()) thread_.join();
}

void Worker::start() {
  thread_ = std::thread([this] { run(); });
}

void Worker::drain() {
  loop_.post([this] { begin_drain(); });
}

void Worker::stop_now() {
  loop_.post([this] { end(); });
}

void Worker::run() {
  for (net::ListeningSocket& socket : sockets_)
    listeners_.push_back(net::Listener::start(loop_, std::move(socket), *this));
  sockets_.clear();
  loop_.run();
  // What is left is given up, on this thread, from the clients to the pools.
  listeners_.clear();
  connections_.close_all();
  loop_.end_turn();
  for (auto& upstream : upstreams_) upstream->close();
  loop_.end_turn();
}

void Worker::begin_drain() {
  listeners_.clear();
  const auto patience = static_cast<uint64_t>(parts_.config.server.drain.count());
  loop_.arm(drain_deadline_, patience);
  connections_.drain(static_cast<uint64_t>(parts_.config.server.drain_idle.count()));
}

void Worker::on_all_closed() {
  end();
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

bool Worker::is_trusted(const Address& address) const {
  for (const AddressBlock& block : parts_.trusted) {
    if (block.contains(address)) return true;
  }
  return false;
}

bool Worker::may_accept() {
  const bool waited = std::exchange(at_limit_, connections_.size() >= parts_.max_connections);
  if (at_limit_ && !waited) settings_.counters.accept_paused.add();
  return !at_limit_;
}

void Worker::on_accept(net::TransportPtr transport, const Address& peer) {
  http::Client client;
  client.address = peer;
  client.ip_length = static_cast<uint8_t>(peer.write_ip(client.ip));
  client.trusted = is_trusted(peer);
  http::h1::serve(loop_, std::move(transport), client, proxy_, settings_, connections_);
}

void Worker::on_accept_paused(net::NetError error) {
  settings_.counters.accept_paused.add();
  const size_t evicted = pools_.evict_idle();
  log::warning(fmt::format(
      "accepting paused for {} ms: {}; {} idle upstream connections closed to make room",
      net::Listener::kPauseMs, error.sentence(), evicted));
}

}  // namespace onehop::server
