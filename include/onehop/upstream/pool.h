// SPDX-License-Identifier: MIT
// Pool: the connections of one worker to one endpoint. It lends out streams on them, newest
// connection first, and opens one only when none has a stream to spare; why it had to is counted
// with every connection. An HTTP/1.1 connection has one stream, an HTTP/2 connection many.
//
//   acquire -> connection with a stream to spare ------------------> Lease
//           -> below max_connections: dial ----> on_lease ---------> Lease
//              (HTTP/2: or wait for the dial that is under way)
//           -> at max_connections: queue (bounded, timed) ----> one that is given back, or room to
//                                                               dial, whichever comes first
//
// Where its name has addresses of IPv4 and IPv6 nobody waits longer than kPatienceMs for a dial
// while there is another endpoint (RFC 8305 5): the dial goes on without them, and its connection
// is there for whoever comes next.
//
// All on the worker's thread.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <variant>

#include "onehop/base/address.h"
#include "onehop/base/chance.h"
#include "onehop/base/intrusive_list.h"
#include "onehop/config/config.h"
#include "onehop/http/connection.h"
#include "onehop/net/dialer.h"
#include "onehop/net/proxy_protocol.h"
#include "onehop/telemetry/shard.h"
#include "onehop/upstream/endurance.h"
#include "onehop/upstream/idle_tolerance.h"
#include "onehop/upstream/reachability.h"

namespace onehop::upstream {

class Bond;
class Dialing;
class Pool;
class PooledConnection;
class ProxyDialer;

// The right to use one stream of a connection for one exchange. Destroying it gives the connection
// back, or closes it if it is not fit.
class Lease {
 public:
  Lease() = default;
  explicit Lease(PooledConnection& connection, bool reused)
      : connection_(&connection), reused_(reused) {}
  Lease(Lease&& other) noexcept;
  Lease& operator=(Lease&& other) noexcept;
  ~Lease() { release(); }

  explicit operator bool() const noexcept { return connection_ != nullptr; }
  bool reused() const noexcept { return reused_; }
  bool multiplexed() const noexcept;  // the connection carries more streams than this one
  uint64_t age_ms() const noexcept;   // of the connection; only of a lease that holds one

  // Once per lease. `events` outlives the lease.
  http::ClientStream& open_stream(http::ClientStream::Events& events);
  void turned_away();  // the endpoint refused the stream unseen; before it is released
  void was_closed();   // reused, and the endpoint had closed it before; before it is released

  // From now on the connection is lent through the bond alone, and when that is gone to nobody.
  // Null where it is bound already; one of many streams gets no more of them.
  std::unique_ptr<Bond> bind();
  void release();

 private:
  PooledConnection* connection_ = nullptr;
  http::ClientStream* stream_ = nullptr;
  bool reused_ = false;
};

// Why there is no lease. `leaving`: the endpoint takes no more requests. `slow`: its name has
// addresses of the other family, and a dial that goes on took longer than kPatienceMs.
enum class NoLease : uint8_t {
  connect_failed,
  connect_timeout,
  slow,
  local_fault,
  queue_full,
  queue_timeout,
  leaving
};
struct LeaseError {
  NoLease why = NoLease::connect_failed;
  net::NetError network;
};

// What a request asks of its connection.
struct Want {
  bool fresh = false;    // opened for it
  bool upgrade = false;  // HTTP/1.1, which can switch protocols and authenticate connections, where
                         // the endpoint has the choice
  bool young = false;    // idle for less than pool.non_idempotent_max_idle, if it is not fresh
  bool patient = false;  // there is nobody else: a dial is waited for to its end
  Bond* bond = nullptr;  // the connection of this one, which is ready
  // Where endpoints are told of the client (upstream.proxy_protocol): whose connection it has to
  // be; elsewhere null. Lives as long as the wait for it.
  const net::ProxyHeader* client = nullptr;
};
enum class Waiting : uint8_t { for_dial, in_queue };

// Tells a worker's pools about each other, for the moment when descriptors run out.
class Pools {
 public:
  // Whoever has descriptors beside them.
  class Relief {
   public:
    virtual bool make_room() = 0;  // frees one for a dial, if it can

   protected:
    ~Relief() = default;
  };
  Pools() = default;
  explicit Pools(Relief& relief) : relief_(&relief) {}

  // Closes idle connections of all pools; returns how many.
  size_t evict_idle();

  // A dial failed for want of something: what is idle here goes first, then what `relief` has.
  bool make_room(net::NetError error);

 private:
  friend class Pool;
  IntrusiveList<Pool> list_;
  Relief* relief_ = nullptr;
};

// What the pools of an upstream are configured with. Owned by it, and changed while they are in
// use: Pool::reconfigured() follows.
struct PoolSettings {
  config::Pool pool;
  config::UpstreamTimeouts timeouts;
  config::UpstreamHttp2 http2;
  config::Limits limits;
  uint32_t max_connections = 0;  // this worker's share; 0: no limit
};

class Pool : public ListNode<Pool> {
 public:
  static constexpr uint64_t kPatienceMs = 250;  // RFC 8305 8, Connection Attempt Delay

  // Waits for a connection. Destroying it, or leave(), ends the wait.
  class Waiter : public ListNode<Waiter> {
   public:
    virtual void on_dialing() = 0;  // it left the queue: a connection is being opened for it
    virtual void on_queued() = 0;   // the connection has no stream for it: it waits in the queue
    virtual void on_lease(Lease lease) = 0;
    virtual void on_no_lease(const LeaseError& error) = 0;

    void leave() noexcept;
    bool waiting() const noexcept { return dialing_ != nullptr || linked(); }

   protected:
    Waiter() = default;
    virtual ~Waiter() { leave(); }

   private:
    friend class Dialing;
    friend class Pool;
    void on_queue_deadline();
    Pool* pool_ = nullptr;
    Want want_;
    Dialing* dialing_ = nullptr;  // that it waits for
    net::Deadline deadline_{this, net::DeadlineThunk<&Waiter::on_queue_deadline>::call};
  };

  // What a pool is made of; everything referred to outlives it.
  struct Parts {
    net::Loop& loop;
    net::Dialer& dialer;
    net::Dialer* http1_dialer;  // for upgrades, where `dialer` may come back with HTTP/2; or null
    Pools& pools;
    const PoolSettings& settings;
    telemetry::EndpointShard& counters;
    config::UpstreamProtocol protocol;
    bool secure;            // the dialer's transports are TLS
    std::string_view name;  // of the upstream, for the log
    Reachability& reachability;
    IdleTolerance& tolerance;
    Address address;
    uint64_t seed;                     // of the jitter of max_age
    ProxyDialer* announcer = nullptr;  // below the dialers; null: nobody is told of the client
  };
  explicit Pool(const Parts& parts);
  ~Pool();

  // A lease at once, or a wait that ends with one of the waiter's events, or a refusal at once.
  using Acquired = std::variant<Lease, Waiting, LeaseError>;
  Acquired acquire(Waiter& waiter, Want want);

  // Closes every idle connection; those are of the vintage of one that just failed (edge case 5),
  // or make room.
  size_t discard_idle(telemetry::OpenReason reason);

  // What is lent out is not lent again, and what is idle is closed: connections are made otherwise
  // from now on.
  void begin_anew();

  // Nothing is lent any more. Whoever waits is refused (NoLease::leaving); what is idle is closed,
  // and what is lent out when it is given back.
  void leave();

  // What is lent out ends now, as where its connection broke: http::Violation::stopped.
  void cut();

  // The settings changed: those who wait may have room now, and what is idle may be too much.
  void reconfigured();

  // No connection is there, and none is being made.
  bool empty() const noexcept { return open_ + dialing_count_ == 0; }

  size_t open_count() const noexcept { return open_; }
  // Established connections that count against max_connections. One of many streams that takes no
  // more of them does not: its place would be held for as long as the longest of those it has.
  size_t counted();

 private:
  friend class Bond;
  friend class Dialing;
  friend class Lease;
  friend class PooledConnection;

  Lease lend(PooledConnection& connection);
  PooledConnection* ready(Want want);
  PooledConnection* newest(Want want);
  PooledConnection* oldest_idle();
  Waiter* first_for(PooledConnection& connection);
  Dialing* joinable(Want want);
  bool is_full();
  void give_back(PooledConnection& connection, http::ClientStream* stream);
  void serve(PooledConnection& connection);
  void keep(PooledConnection& connection);
  int64_t idle_ms_of(const PooledConnection& connection) const;
  uint64_t margin_ms() const;
  void lost_idle(PooledConnection& connection, telemetry::OpenReason reason, telemetry::Closer who);
  void remember_loss(telemetry::OpenReason reason);
  void discard(PooledConnection& connection, telemetry::OpenReason reason, telemetry::Closer who);
  std::variant<Waiting, LeaseError> open_for(Waiter& waiter);
  void dial(Waiter& waiter, telemetry::OpenReason reason);
  void dialed(Dialing& dialing, net::TransportPtr transport);
  void dial_failed(Dialing& dialing, const LeaseError& error);
  void pass_over(Dialing& dialing);
  Dialing* slow_dial(const Want& want);
  void end(Dialing& dialing) noexcept;
  void end_passed_over() noexcept;
  LeaseError dial_error(const LeaseError& error);
  void serve_queue();
  void queue_timed_out(Waiter& waiter);
  void leave(Waiter& waiter) noexcept;
  telemetry::OpenReason why_open(Want want);
  uint64_t age_limit_ms();

  Parts parts_;
  IntrusiveList<PooledConnection> ready_;  // with a stream to spare, newest last
  IntrusiveList<PooledConnection> lent_;   // without
  IntrusiveList<PooledConnection> bound_;  // of those that belong to a client, the ones at rest
  IntrusiveList<Dialing> dialing_;
  IntrusiveList<Waiter> queue_;
  size_t open_ = 0;  // established connections
  size_t dialing_count_ = 0;
  size_t idle_count_ = 0;
  size_t queue_length_ = 0;
  uint64_t generation_ = 0;  // how often it began anew
  uint64_t quickest_dial_ns_ = UINT64_MAX;
  Endurance endurance_;
  Chance chance_;
  bool leaving_ = false;
  bool multiplexes_;  // as far as is known, the endpoint's connections have many streams

  // What became of the connections that could have served the next request: the reason why that one
  // needs a new one.
  std::array<telemetry::OpenReason, 16> gone_{};
  size_t gone_count_ = 0;
};

}  // namespace onehop::upstream
