// SPDX-License-Identifier: MIT
// Upstream: a named group of endpoints as one worker sees it, with its balancer, and a pool for
// each endpoint that was ever picked.
//
//   use(set)   endpoints that stay keep pool, load and penalties; new ones are candidates at once,
//              with a small share where `slow_start` says so; those that are not in it, or drained,
//              leave: no request is given to them any more, whoever waits in their queue goes
//              elsewhere, and they are gone with their last request. Of those that are not in it
//              what is in flight after `endpoint_drain` is cut
//              one that is `out` (EndpointSpec) is picked no more, and keeps all else that it has
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "onehop/base/pin.h"
#include "onehop/config/hash_key.h"
#include "onehop/tls/tls.h"
#include "onehop/upstream/balancer.h"
#include "onehop/upstream/endpoint_set.h"
#include "onehop/upstream/pool.h"
#include "onehop/upstream/sticky.h"

namespace onehop::upstream {

class Penalties;
class SecureDialer;
class SlowStart;
class Upstream;
class Zones;

// One replica. Belongs to its Upstream and never moves. While it is pinned it stays, with what it
// counts, even when it is no candidate any more.
class Endpoint final : public Pinned, public net::Retirable, private net::Dirty {
 public:
  Endpoint(Upstream& upstream, SpecRef spec);
  ~Endpoint() override;

  EndpointId id() const { return spec_->id; }
  const std::string& name() const { return spec_->name; }  // the address as configured
  const std::string& upstream() const;                     // its name
  uint32_t in_flight() const { return in_flight_; }        // requests of this worker

  Reachability& reachability() const { return spec_->shared->reachability; }

  // Made at the first call, as an endpoint that is never picked should cost next to nothing.
  Pool& pool();
  telemetry::EndpointShard& counters();

  // What the end of a request says of it. After one that failed the balancer takes it for busier
  // than it looks, for a while, and after some in a row the alarm is raised.
  void ended(RequestEnd end);

  // The loop's clock where the balancer wants latencies, else 0; and what it is told.
  uint64_t latency_clock_ns() const;
  void answered(uint64_t took_ns, Answer answer);

 private:
  friend class EndpointUse;
  friend class Upstream;
  struct Connections;  // the pool, and what it dials with

  Connections& connections();
  void count(int change);
  void use(const std::shared_ptr<const tls::ClientContext>& context);
  void reconfigured();
  void enter(uint64_t warming_since_ms);
  void leave();
  void cut();
  void on_unpinned() override;
  void flush() override;

  Upstream& upstream_;
  SpecRef spec_;
  size_t place_ = kNew;  // among the candidates; kNew while it is none
  uint32_t in_flight_ = 0;
  bool leaving_ = false;
  uint64_t warming_since_ms_ = kNotWarming;
  net::Deadline drain_{this, net::DeadlineThunk<&Endpoint::cut>::call};  // while it is in no set
  std::unique_ptr<Connections> connections_;
};

using EndpointPin = Pin<Endpoint>;

// A request for which an endpoint was chosen: from the choice to its end the balancer sees it as
// load, and the endpoint stays.
class EndpointUse {
 public:
  EndpointUse() = default;
  explicit EndpointUse(Endpoint& endpoint)
      : endpoint_(endpoint), began_ns_(endpoint.latency_clock_ns()) {
    endpoint.count(1);
  }
  EndpointUse(EndpointUse&&) noexcept = default;
  EndpointUse& operator=(EndpointUse&& other) noexcept {
    if (this != &other) {
      end();
      endpoint_ = std::move(other.endpoint_);
      began_ns_ = std::exchange(other.began_ns_, 0);
    }
    return *this;
  }
  ~EndpointUse() { end(); }

  void end() noexcept {
    if (!endpoint_) return;
    endpoint_->count(-1);
    endpoint_.reset();
  }
  // How long the endpoint took, for the balancer; of two words only the first counts.
  void answered(Answer answer) {
    if (began_ns_ == 0) return;
    const uint64_t began_ns = std::exchange(began_ns_, 0);
    endpoint_->answered(endpoint_->latency_clock_ns() - began_ns, answer);
  }
  explicit operator bool() const noexcept { return bool(endpoint_); }
  Endpoint* get() const noexcept { return endpoint_.get(); }
  Endpoint* operator->() const noexcept { return endpoint_.get(); }

 private:
  EndpointPin endpoint_;
  uint64_t began_ns_ = 0;  // 0: nobody wants to know
};

// What decides which endpoint a request goes to.
struct Choice {
  std::span<const EndpointId> tried = {};  // none of these
  std::optional<uint64_t> hash = {};       // of its hash_key(); nothing: it has none
};

// Held by whoever may still choose from it. When the last of them lets go its endpoints leave, and
// it goes with the last of these; at the latest `endpoint_drain` after it was removed().
class Upstream final : public std::enable_shared_from_this<Upstream> {
 public:
  // What a worker gives to its upstreams; everything referred to outlives them.
  struct Parts {
    net::Loop& loop;
    net::Dialer& dialer;
    Pools& pools;
    size_t worker;        // 0 to worker_count - 1
    size_t worker_count;  // max_connections is shared out among so many
    HealthAlarm& alarm;
  };

  // How it is configured. `tls` is null where endpoints are spoken to in the clear. What
  // identity_of() tells apart stays as it was made.
  struct Settings {
    const config::Upstream& config;  // copied: but for its endpoints, which are in the set
    const config::Limits& limits;    // copied
    std::shared_ptr<const tls::ClientContext> tls;
    std::string_view zone = {};  // that onehop is in; copied
    // Signs cookies where `config.sticky` has no secret: the same for all workers. Copied.
    std::string_view sticky_secret = {};
  };

  static std::shared_ptr<Upstream> make(const Settings& settings, const EndpointSet& set,
                                        const Parts& parts);
  ~Upstream();

  // For connections that are opened, and endpoints that are picked or leave, from now on.
  void configure(const Settings& settings, const EndpointSet& set);
  void use(const EndpointSet& set);

  // Connections are made with `context` from now on, and older ones are used no more.
  void use(std::shared_ptr<const tls::ClientContext> context);

  // The configuration has it no more: requests that began with it have `endpoint_drain` left.
  // Until configure().
  void removed();

  const std::string& name() const { return name_; }

  // The endpoint for the next attempt; null when none is left.
  Endpoint* pick(const Choice& choice);

  // What Choice::hash is made of; null where the balancer does not look at it.
  const config::HashKey* hash_key() const { return hash_key_ ? &*hash_key_ : nullptr; }

  // By which cookie clients stay with endpoints; null: they do not. The endpoint that a cookie
  // names; null where it is none of the candidates. And what names an endpoint; empty where it is
  // none of them.
  const Sticky* sticky() const { return sticky_.get(); }
  Endpoint* named_by(std::string_view cookie) const;
  std::string_view name_of(const Endpoint& endpoint) const;

  // Null where it is none of the candidates.
  Endpoint* find(EndpointId id) const;

  // Those that requests may be given to, and those that have their last ones.
  std::span<const std::unique_ptr<Endpoint>> endpoints() const { return endpoints_; }
  std::span<const std::unique_ptr<Endpoint>> leaving() const { return leaving_; }

 private:
  friend class Endpoint;
  Upstream(const Settings& settings, const Parts& parts);
  void rebuild(const std::vector<size_t>& former);
  void heed_verdicts();
  void balance_by(const config::Upstream& config);
  void tell_places(Former former);
  void hash_by(const config::Upstream& config);
  void configure_placing(const Settings& settings);
  void warm_up();
  void end_warming();
  void on_removed_for_long();
  void bound_leaving();
  void let_leave(std::vector<std::unique_ptr<Endpoint>> leaving);
  void has_left(Endpoint& endpoint);

  Parts parts_;
  std::string name_;
  const config::UpstreamProtocol protocol_;
  const config::ProxyProtocol proxy_protocol_;
  Balancing balancing_;
  std::optional<config::HashKey> hash_key_;
  PoolSettings settings_;
  std::shared_ptr<const tls::ClientContext> tls_;
  EndpointSet set_;
  std::vector<Candidate> candidates_;
  std::unique_ptr<Penalties> penalties_;
  std::unique_ptr<SlowStart> slow_start_;
  std::unique_ptr<Zones> zones_;
  std::unique_ptr<Sticky> sticky_;  // null: without
  std::unique_ptr<Balancer> balancer_;
  std::vector<std::unique_ptr<Endpoint>> endpoints_;  // in the order of the candidates
  std::vector<std::unique_ptr<Endpoint>> leaving_;
  std::shared_ptr<Upstream> kept_;  // itself, while somebody is leaving
  uint64_t endpoint_drain_ms_ = 0;
  uint32_t alarming_failures_ = 0;  // in a row; 0: none are
  FailureKinds failures_;           // that count
  net::Deadline removed_{this, net::DeadlineThunk<&Upstream::on_removed_for_long>::call};
};

}  // namespace onehop::upstream
