// SPDX-License-Identifier: MIT
#include "acceptor.h"

#include <fmt/format.h>

#include <utility>

#include "onehop/base/log.h"
#include "onehop/http/h1.h"
#include "onehop/http/h2.h"

namespace onehop::server {
namespace {

constexpr uint64_t kSilenceMs = 10'000;

}  // namespace

Acceptor::Acceptor(const Parts& parts) : parts_(parts), terms_() {}
Acceptor::~Acceptor() = default;

void Acceptor::configure(Terms terms) {
  terms_ = std::move(terms);
  const config::Listener& config = terms_.listener->config;
  for (auto& listener : listeners_)
    listener->reconfigure(config.backlog, config.defer_accept
                                              ? net::ListeningSocket::Accepts::with_data
                                              : net::ListeningSocket::Accepts::at_once);
}

void Acceptor::use(std::shared_ptr<const tls::ServerContext> context) {
  terms_.context = std::move(context);
}

void Acceptor::start(net::ListeningSocket socket) {
  port_ = socket.local().port();
  listeners_.push_back(net::Listener::start(parts_.loop, std::move(socket), *this));
}

std::vector<net::Descriptor> Acceptor::duplicate_sockets() const {
  std::vector<net::Descriptor> made;
  for (const auto& listener : listeners_)
    made.push_back(net::Descriptor::duplicate_of(listener->descriptor()));
  return made;
}

// Who would be one handshake too many waits in the kernel's queue.
bool Acceptor::may_accept() {
  const uint64_t second = parts_.loop.now_ms() / 1000;
  if (std::exchange(second_, second) != second) begun_ = 0;
  if (terms_.context != nullptr && terms_.handshake_rate != 0 && begun_ >= terms_.handshake_rate)
    return false;
  return parts_.owner.may_accept();
}

http::Client Acceptor::client_at(const net::ProxyHeader& ends, const Place& place) const {
  http::Client client;
  client.held = place;
  client.address = ends.source;
  client.destination = ends.destination;
  client.ip_length = static_cast<uint8_t>(ends.source.write_ip(client.ip));
  client.port = ends.destination.is_none() ? port_ : ends.destination.port();
  client.listener = terms_.listener;
  parts_.owner.judge(client);
  return client;
}

// A trusted proxy is no client, and has the connections of many.
Acceptor::Entry Acceptor::enter(const Address& address) {
  if (terms_.gate == nullptr || parts_.owner.trusts(address)) return {};
  ClientGate::Asked asked =
      terms_.gate->ask(address, terms_.listener->config.per_client, parts_.loop.now_ns());
  telemetry::DownstreamShard& counters = parts_.settings.counters;
  if (asked.forgot) counters.per_client_forgotten.add();
  if (asked.refused_by.has_value()) counters.refused.add(static_cast<size_t>(*asked.refused_by));
  return {!asked.refused_by.has_value(), std::move(asked.held)};
}

// Who is refused is closed by the end of its transport.
void Acceptor::on_accept(net::TransportPtr transport, const Address& peer) {
  const bool introduced = terms_.listener->proxies.contains(peer);
  Entry entry = introduced ? Entry() : enter(peer);
  if (!entry.granted) return;
  // A handshake that is to come behind a PROXY header counts as well, or who holds headers back
  // could begin as many as there are clients at once.
  if (terms_.context != nullptr) ++begun_;
  if (introduced) {
    auto introduction = std::make_unique<Introduction>(
        Introduction::Parts{parts_.loop, parts_.connections.shedding(), *this, introduction_ms()},
        std::move(transport), peer);
    Introduction* const key = introduction.get();
    introductions_.emplace(key, std::move(introduction));
    return;
  }
  const net::ProxyHeader ends{peer, terms_.tells_destination ? transport->local() : Address()};
  welcome(std::move(transport), ends, std::move(entry.place));
}

// As long as what comes after it has, which begins anew.
uint64_t Acceptor::introduction_ms() const {
  const config::Listener& config = terms_.listener->config;
  const config::milliseconds patience =
      config.tls.enabled() ? config.tls.handshake_timeout : parts_.settings.timeouts.request_head;
  return static_cast<uint64_t>(patience.count());
}

// Where the header does not tell, it is the proxy itself that comes.
void Acceptor::on_introduced(Introduction& introduction, net::TransportPtr transport) {
  net::ProxyHeader ends = introduction.header();
  if (ends.source.is_none()) ends = {introduction.proxy(), transport->local()};
  Entry entry = enter(ends.source);
  if (entry.granted) welcome(std::move(transport), ends, std::move(entry.place));
  finish(introduction);
}

void Acceptor::on_not_introduced(Introduction& introduction, net::ProxyHeaderFault fault) {
  parts_.settings.counters.proxy_header_faults.add(static_cast<size_t>(fault));
  say(introduction.proxy(), fault);
  finish(introduction);
}

// A line now and then, as a proxy that is configured otherwise does it with each connection.
void Acceptor::say(const Address& proxy, net::ProxyHeaderFault fault) {
  const uint64_t now = parts_.loop.now_ms();
  if (said_ms_ != 0 && now - said_ms_ < kSilenceMs) {
    ++unsaid_;
    return;
  }
  said_ms_ = now;
  const uint64_t unsaid = std::exchange(unsaid_, 0);
  const std::string more = unsaid == 0 ? "" : fmt::format(" ({} more before)", unsaid);
  log::warning(fmt::format("{}: a connection of {} is refused: {}{}", key().address, proxy.ip(),
                           net::sentence_of(fault), more));
}

void Acceptor::finish(Introduction& introduction) {
  introductions_.erase(&introduction);
  parts_.owner.on_handshake_over();
}

void Acceptor::welcome(net::TransportPtr transport, const net::ProxyHeader& ends, Place place) {
  if (terms_.context == nullptr) {
    return http::h1::serve_either(parts_.loop, std::move(transport), client_at(ends, place),
                                  parts_.service, parts_.settings, parts_.connections,
                                  terms_.listener->config.http2 ? http::h2::take_over : nullptr);
  }
  auto handshake = tls::accept(parts_.loop, std::move(transport), terms_.context, *this);
  tls::Handshake* const key = handshake.get();
  telemetry::TlsShard& counters = *terms_.tls_counters;
  Pending& pending =
      pending_.try_emplace(key, *this, ends, std::move(place), counters, parts_.loop.now_ns())
          .first->second;
  pending.handshake = std::move(handshake);
  parts_.connections.shedding().rests(pending, pending.rest);
  counters.in_progress.add(1);
}

void Acceptor::on_handshake_done(tls::Handshake& handshake, net::TransportPtr transport,
                                 const tls::Session& session) {
  const Pending& pending = pending_.at(&handshake);
  const uint64_t took = parts_.loop.now_ns() - pending.started_ns;
  (session.resumed ? pending.counters.resumed : pending.counters.full).record(took);
  http::Client client = client_at(pending.ends, pending.held);
  client.secure = true;
  client.tls_version = session.version;
  client.tls_resumed = session.resumed;
  client.certificate_subject = session.peer_subject;
  client.certificate_fingerprint = session.peer_fingerprint;
  const auto serve = session.application_protocol == "h2" ? http::h2::serve : http::h1::serve;
  serve(parts_.loop, std::move(transport), client, parts_.service, parts_.settings,
        parts_.connections);
  finish(handshake);
}

void Acceptor::on_handshake_failed(tls::Handshake& handshake, tls::Failure failure,
                                   std::string_view detail) {
  const Pending& pending = pending_.at(&handshake);
  pending.counters.failures[static_cast<size_t>(failure)].add();
  if (log::enabled(log::Level::debug))
    log::debug(fmt::format("{}: {}: {} ({})", key().address, pending.ends.source.ip(),
                           tls::sentence_of(failure), detail));
  finish(handshake);
}

// Once its client has said something it has the time of those who did.
bool Acceptor::shed(Pending& pending) {
  if (pending.rest == http::Rest::silent && !pending.handshake->silent()) {
    pending.rest = http::Rest::begun;
    parts_.connections.shedding().rests(pending, pending.rest);
    return false;
  }
  finish(*pending.handshake);
  return true;
}

void Acceptor::finish(tls::Handshake& handshake) {
  const auto pending = pending_.find(&handshake);
  pending->second.counters.in_progress.add(-1);
  pending_.erase(pending);
  parts_.owner.on_handshake_over();
}

size_t Acceptor::give_up_silent() {
  const size_t introductions = introductions_.size();
  introductions_.clear();
  return introductions + std::erase_if(pending_, [](const auto& entry) {
           const Pending& pending = entry.second;
           if (!pending.handshake->silent()) return false;
           pending.counters.in_progress.add(-1);
           return true;
         });
}

size_t Acceptor::give_up_handshakes() {
  const size_t count = handshakes();
  introductions_.clear();
  for (const auto& [handshake, pending] : pending_) pending.counters.in_progress.add(-1);
  pending_.clear();
  return count;
}

}  // namespace onehop::server
