// SPDX-License-Identifier: MIT
// Acceptor: what a worker does with the clients of one listener, from the accept to a connection
// that speaks a protocol. Between the two there may be a PROXY header, then a handshake of TLS.
//
//   configure() -> start() -> clients come; configure() again whenever its terms change
//   stop() -> no new clients; gone once its handshakes are over
#pragma once

#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "client_gate.h"
#include "introduction.h"
#include "onehop/http/connection.h"
#include "onehop/net/descriptor_passing.h"
#include "onehop/net/event_loop.h"
#include "onehop/net/listener.h"
#include "onehop/telemetry/tls.h"
#include "onehop/tls/tls.h"

namespace onehop::server {

class Acceptor final : private net::Listener::Events,
                       private tls::Handshake::Events,
                       private Introduction::Events {
 public:
  // The worker, which knows its limits and its clients.
  class Owner {
   public:
    virtual bool may_accept() = 0;
    virtual bool make_room(net::NetError error) = 0;
    // Fills in `trusted` and `judged_by` of a client whose address is known.
    virtual void judge(http::Client& client) const = 0;
    virtual bool trusts(const Address& address) const = 0;  // as a proxy
    virtual void on_handshake_over() = 0;  // handshakes() is one less, whatever came of it

   protected:
    ~Owner() = default;
  };

  // Everything referred to outlives the acceptor.
  struct Parts {
    net::EventLoop& loop;
    http::Service& service;
    const http::ServerSettings& settings;
    http::ServerConnections& connections;
    Owner& owner;
  };
  explicit Acceptor(const Parts& parts);
  ~Acceptor();

  // What holds for clients that come from now on.
  struct Terms {
    std::shared_ptr<const http::ListenerTerms> listener;
    std::shared_ptr<const tls::ServerContext> context;  // null: plain
    telemetry::TlsShard* tls_counters;                  // null: plain
    uint32_t handshake_rate;                            // this worker's share; 0: no limit
    bool tells_destination;                             // to some upstream's endpoints
    std::shared_ptr<ClientGate> gate;                   // null: a client may have all
  };
  void configure(Terms terms);
  void use(std::shared_ptr<const tls::ServerContext> context);

  // Once, or with each of several sockets of the listener.
  void start(net::ListeningSocket socket);

  // No new clients; handshakes in progress go on, until they are given up.
  void stop() { listeners_.clear(); }
  size_t give_up_handshakes();  // returns how many there were
  // Those alone whose clients have said nothing yet, and PROXY headers that are awaited.
  size_t give_up_silent();

  // Of its sockets, for another process; an empty one where there was no descriptor left.
  std::vector<net::Descriptor> duplicate_sockets() const;

  // Clients that are no connections yet: of TLS, or whose PROXY header is awaited.
  size_t handshakes() const noexcept { return pending_.size() + introductions_.size(); }
  const http::ListenerTerms::Key& key() const { return terms_.listener->key; }

 private:
  using Place = std::shared_ptr<const http::Held>;  // that a client has in the gate, or null
  struct Pending final : http::Sheddable {
    Pending(Acceptor& at, const net::ProxyHeader& of, Place place, telemetry::TlsShard& counts,
            uint64_t now_ns)
        : acceptor(at), ends(of), held(std::move(place)), counters(counts), started_ns(now_ns) {}
    bool shed() override { return acceptor.shed(*this); }

    Acceptor& acceptor;
    std::unique_ptr<tls::Handshake> handshake;
    net::ProxyHeader ends;
    Place held;
    telemetry::TlsShard& counters;
    uint64_t started_ns;
    http::Rest rest = http::Rest::silent;
  };

  bool may_accept() override;
  void on_accept(net::TransportPtr transport, const Address& peer) override;
  bool make_room(net::NetError error) override { return parts_.owner.make_room(error); }
  void on_handshake_done(tls::Handshake& handshake, net::TransportPtr transport,
                         const tls::Session& session) override;
  void on_handshake_failed(tls::Handshake& handshake, tls::Failure failure,
                           std::string_view detail) override;
  void on_introduced(Introduction& introduction, net::TransportPtr transport) override;
  void on_not_introduced(Introduction& introduction, net::ProxyHeaderFault fault) override;
  void on_shed(Introduction& introduction) override { finish(introduction); }
  // A client of which both ends are known, as it connected or as its proxy says.
  void welcome(net::TransportPtr transport, const net::ProxyHeader& ends, Place place);
  // Whether the gate lets one more of that address in.
  struct Entry {
    bool granted = true;
    Place place;
  };
  Entry enter(const Address& address);
  http::Client client_at(const net::ProxyHeader& ends, const Place& place) const;
  bool shed(Pending& pending);
  void finish(tls::Handshake& handshake);
  void finish(Introduction& introduction);
  uint64_t introduction_ms() const;
  void say(const Address& proxy, net::ProxyHeaderFault fault);

  Parts parts_;
  Terms terms_;
  uint16_t port_ = 0;
  std::vector<std::unique_ptr<net::Listener>> listeners_;  // one for each socket
  std::unordered_map<tls::Handshake*, Pending> pending_;
  std::unordered_map<Introduction*, std::unique_ptr<Introduction>> introductions_;
  uint64_t said_ms_ = 0;  // when the log had a line of a PROXY header; 0: never
  uint64_t unsaid_ = 0;   // since then
  uint64_t second_ = 0;   // the second in which the handshakes below began
  uint32_t begun_ = 0;
};

}  // namespace onehop::server
