// SPDX-License-Identifier: MIT
// What requests are decided by. A snapshot is a configuration and what was made of it: made by the
// main thread, never changed, shared by all workers. An epoch is what one worker has of it: its own
// upstreams and cells. A request pins the epoch that is current when its head is read, and is
// decided by nothing else until its end, whatever is loaded meanwhile.
//
//   snapshot   main: load, check, make -> the last epoch lets go of it
//   epoch      Proxy::use() -> current -> superseded -> gone with its last request
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "onehop/base/peers.h"
#include "onehop/base/pin.h"
#include "onehop/config/config.h"
#include "onehop/http/connection.h"
#include "onehop/proxy/rate_limits.h"
#include "onehop/routing/router.h"
#include "onehop/telemetry/telemetry.h"
#include "onehop/upstream/upstream.h"

namespace onehop::proxy {

class AccessTerms;
class GuardedFields;

class Snapshot {
 public:
  // `number` tells snapshots of a program apart; it is never 0. `config` was checked.
  Snapshot(uint64_t number, std::shared_ptr<const config::Config> config);
  ~Snapshot();

  uint64_t number() const noexcept { return number_; }
  const config::Config& config() const noexcept { return *config_; }
  const config::Server& server() const noexcept { return config_->server; }
  const routing::Router& router() const noexcept { return router_; }
  const Peers& trusted() const noexcept { return trusted_; }
  const GuardedFields& guarded() const noexcept { return *guarded_; }

  // The listeners' terms, in the order of the configuration.
  using Terms = std::shared_ptr<const http::ListenerTerms>;
  const std::vector<Terms>& listeners() const noexcept { return listeners_; }

  // Which requests the access log is of; null where there is none.
  const AccessTerms* access() const noexcept { return access_.get(); }

  // Of the routes, in the order of the configuration.
  const std::vector<std::string>& route_labels() const noexcept { return route_labels_; }

  // What holds for a client now of the listener that it came to; null where there was none. That of
  // its accept, where the listener is gone.
  const http::ListenerTerms* terms_of(const http::Client& client) const noexcept;

  // Endpoints of some upstream are told of the client (proxy_protocol).
  bool tells_of_clients() const noexcept { return tells_of_clients_; }

  // Whether the address is one of server.trusted_proxies.
  bool trusts(const Address& address) const noexcept { return trusted_.contains(address); }
  bool trusts(const http::Client& client) const noexcept {
    return client.judged_by == number_ ? client.trusted : trusts(client.address);
  }

 private:
  uint64_t number_;
  std::shared_ptr<const config::Config> config_;
  routing::Router router_;
  Peers trusted_;
  bool tells_of_clients_;
  std::unique_ptr<const GuardedFields> guarded_;
  std::unique_ptr<const AccessTerms> access_;
  std::vector<Terms> listeners_;
  std::vector<std::string> route_labels_;
};

// Used by one worker's thread.
class Epoch final : public Pinned, public net::Retirable {
 public:
  // `upstreams` and `routes` are in the order of the configuration, `no_route` has the requests
  // that no route took. The loop outlives it.
  struct Parts {
    net::Loop& loop;
    std::shared_ptr<const Snapshot> snapshot;
    std::vector<std::shared_ptr<upstream::Upstream>> upstreams;
    std::vector<telemetry::RouteShard*> routes;
    telemetry::RouteShard& no_route;
    RateLimits rate_limits = {};
  };
  explicit Epoch(Parts parts) : parts_(std::move(parts)) {}

  // There is another one now: this one goes with its last request, or at once.
  static void supersede(std::unique_ptr<Epoch> epoch);

  const Snapshot& snapshot() const noexcept { return *parts_.snapshot; }
  const config::Server& server() const noexcept { return parts_.snapshot->server(); }
  upstream::Upstream& upstream(size_t index) const { return *parts_.upstreams[index]; }
  const config::Upstream& config_of_upstream(size_t index) const {
    return parts_.snapshot->config().upstreams[index];
  }
  telemetry::RouteShard& route(size_t index) const { return *parts_.routes[index]; }
  telemetry::RouteShard& no_route() const { return parts_.no_route; }
  const RateLimits& rate_limits() const noexcept { return parts_.rate_limits; }

 private:
  void on_unpinned() override;

  Parts parts_;
  bool superseded_ = false;
};

using EpochPin = Pin<Epoch>;

}  // namespace onehop::proxy
