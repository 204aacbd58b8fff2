// SPDX-License-Identifier: MIT
#include "worker.h"

#include <fmt/format.h>
#include <sys/random.h>

#include <utility>

#include "onehop/base/log.h"

namespace onehop::server {
namespace {

uint64_t random_seed() {
  uint64_t seed = 0;
  if (::getrandom(&seed, sizeof seed, 0) != sizeof seed) seed = 0x9E3779B97F4A7C15u;
  return seed;
}

// The fields that carry what is known of a client's certificate.
std::vector<std::string> certificate_fields(const config::Config& config) {
  std::vector<std::string> names;
  for (const auto& listener : config.listeners) {
    for (const std::string* name :
         {&listener.tls.client_subject_field, &listener.tls.client_fingerprint_field}) {
      if (!name->empty()) names.push_back(*name);
    }
  }
  return names;
}

}  // namespace

Worker::Worker(const Parts& parts, std::vector<net::ListeningSocket> sockets)
    : parts_(parts),
      sockets_(std::move(sockets)),
      proxy_({.loop = loop_,
              .server = parts.config.server,
              .router = parts.router,
              .upstreams = upstreams_,
              .shard = parts.shard,
              .seed = random_seed(),
              .reserved_fields = certificate_fields(parts.config),
              .failures = &parts.failures,
              .trusted = parts.trusted}),
      settings_{.limits = parts.config.server.limits,
                .timeouts = parts.config.server.timeouts,
                .http2 = parts.config.server.http2,
                .counters = parts.shard.downstream},
      connections_(loop_, settings_, *this) {
  // From half of it on, as then there is room for the small pieces of many.
  const uint64_t buffered = parts.config.server.limits.buffered;
  loop_.read_little_beyond(buffered - buffered / 2);
  size_t first_endpoint = 0;
  for (size_t i = 0; i < parts.config.upstreams.size(); ++i) {
    const upstream::Upstream::Parts made{.loop = loop_,
                                         .dialer = loop_,
                                         .pools = pools_,
                                         .limits = parts.config.server.limits,
                                         .shard = parts.shard,
                                         .tls = parts.upstream_tls[i],
                                         .worker = parts.index,
                                         .worker_count = parts.count,
                                         .reachability = parts.reachability};
    upstreams_.push_back(std::make_unique<upstream::Upstream>(
        parts.config.upstreams[i], parts.addresses[i], first_endpoint, made));
    first_endpoint += parts.addresses[i].size();
  }
  make_acceptors();
}

void Worker::make_acceptors() {
  size_t with_tls = 0;
  for (const config::Listener& listener : parts_.config.listeners) {
    telemetry::TlsShard* const counters =
        listener.tls.enabled() ? &parts_.shard.listener_tls[with_tls++] : nullptr;
    const auto share =
        static_cast<uint32_t>((listener.tls.handshake_rate + parts_.count - 1) / parts_.count);
    acceptors_.push_back(std::make_unique<Acceptor>(
        Acceptor::Parts{loop_, listener, proxy_, settings_, connections_, counters, share, *this}));
  }
}

void Worker::use(size_t listener, std::shared_ptr<const tls::ServerContext> context) {
  loop_.post([this, listener, context = std::move(context)]() mutable {
    if (listener < acceptors_.size()) acceptors_[listener]->use(std::move(context));
  });
}

void Worker::use(size_t upstream, std::shared_ptr<const tls::ClientContext> context) {
  loop_.post(
      [this, upstream, context = std::move(context)] { upstreams_[upstream]->use(context); });
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
  for (size_t i = 0; i < sockets_.size(); ++i)
    acceptors_[i]->start(std::move(sockets_[i]), parts_.listener_tls[i]);
  sockets_.clear();
  // Each has its own by now, and keys that are replaced are not to be kept.
  parts_.listener_tls.clear();
  parts_.upstream_tls.clear();
  loop_.run();
  // What is left is given up, on this thread, from the clients to the pools.
  acceptors_.clear();
  connections_.close_all();
  loop_.end_turn();
  for (auto& upstream : upstreams_) upstream->close();
  loop_.end_turn();
}

void Worker::begin_drain() {
  for (auto& acceptor : acceptors_) acceptor->stop();
  const auto patience = static_cast<uint64_t>(parts_.config.server.drain.count());
  loop_.arm(drain_deadline_, patience);
  const auto idle = static_cast<uint64_t>(parts_.config.server.drain_idle.count());
  if (handshakes() > 0) loop_.arm(handshake_deadline_, idle);
  connections_.drain(idle);
}

// A handshake is a client that has not said yet what it wants, as an idle one is.
void Worker::on_handshake_deadline() {
  size_t count = 0;
  for (auto& acceptor : acceptors_) count += acceptor->give_up_handshakes();
  if (count > 0)
    log::info(fmt::format("worker {}: {} TLS handshakes are given up", parts_.index, count));
  end_if_drained();
}

void Worker::end_if_drained() {
  if (connections_.draining() && connections_.size() == 0 && handshakes() == 0) end();
}

size_t Worker::handshakes() const noexcept {
  size_t count = 0;
  for (const auto& acceptor : acceptors_) count += acceptor->handshakes();
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

bool Worker::is_trusted(const Address& address) const {
  for (const AddressBlock& block : parts_.trusted) {
    if (block.contains(address)) return true;
  }
  return false;
}

bool Worker::may_accept() {
  if (connections_.size() + handshakes() < parts_.max_connections) {
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
