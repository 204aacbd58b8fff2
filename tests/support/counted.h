// SPDX-License-Identifier: MIT
// A telemetry with endpoints, listeners and routes that a test knows by their places.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "onehop/telemetry/snapshot.h"

namespace onehop::test {

class Counted {
 public:
  Counted(const std::vector<telemetry::EndpointName>& endpoints,
          std::vector<telemetry::OutcomeName> outcomes, size_t workers,
          const std::vector<std::string>& listeners = {},
          const std::vector<std::string>& routes = {})
      : telemetry_(std::make_unique<telemetry::Telemetry>(std::move(outcomes), workers)) {
    for (const auto& endpoint : endpoints) endpoints_.push_back(telemetry_->endpoint(endpoint));
    for (const auto& listener : listeners) listeners_.push_back(&telemetry_->listener(listener));
    for (const auto& route : routes) routes_.push_back(&telemetry_->route(route));
  }

  telemetry::Shard& shard(size_t worker) { return telemetry_->shard(worker); }
  telemetry::EndpointShard& endpoint(size_t place, size_t worker = 0) {
    return endpoints_[place]->by_worker.of(worker);
  }
  telemetry::TlsShard& listener(size_t place, size_t worker = 0) {
    return listeners_[place]->by_worker.of(worker);
  }
  telemetry::RouteShard& route(size_t place, size_t worker = 0) {
    return routes_[place]->by_worker.of(worker);
  }
  telemetry::RouteShard& no_route(size_t worker = 0) {
    return telemetry_->route({}).by_worker.of(worker);
  }
  // Nobody holds it any more. The places of those behind it change.
  void let_go(size_t place) {
    endpoints_.erase(endpoints_.begin() + static_cast<std::ptrdiff_t>(place));
  }

  telemetry::Telemetry& get() { return *telemetry_; }
  operator const telemetry::Telemetry&() const { return *telemetry_; }

 private:
  std::unique_ptr<telemetry::Telemetry> telemetry_;
  std::vector<telemetry::EndpointRef> endpoints_;
  std::vector<telemetry::ListenerCells*> listeners_;
  std::vector<telemetry::RouteCells*> routes_;
};

}  // namespace onehop::test
