// SPDX-License-Identifier: MIT
#include "onehop/telemetry/telemetry.h"

#include <algorithm>
#include <utility>

#include "onehop/base/assert.h"
#include "onehop/telemetry/snapshot.h"

namespace onehop::telemetry {
namespace {

// A name has no control characters.
std::string key_of(const EndpointName& name) {
  return name.upstream + '\n' + name.address;
}

}  // namespace

// Outlives the registry where a reference does.
struct Telemetry::LetGo {
  std::mutex mutex;
  std::vector<CellsId> endpoints;

  void say(CellsId endpoint) {
    const std::lock_guard lock(mutex);
    endpoints.push_back(endpoint);
  }
  std::vector<CellsId> take() {
    const std::lock_guard lock(mutex);
    return std::exchange(endpoints, {});
  }
};

Telemetry::Telemetry(std::vector<OutcomeName> outcomes, size_t workers)
    : outcomes_(std::move(outcomes)), shards_(workers), let_go_(std::make_shared<LetGo>()) {
  ONEHOP_ASSERT(outcomes_.size() <= kMaxOutcomes);
  route({});
}

Telemetry::~Telemetry() = default;

EndpointRef Telemetry::endpoint(EndpointName name) {
  const auto [place, is_new] = place_.try_emplace(key_of(name), endpoints_.size());
  if (is_new) {
    endpoints_.push_back(
        {std::make_unique<EndpointCells>(name, next_id_++, worker_count()), {}, 0});
    place_by_id_[endpoints_.back().cells->id] = place->second;
  }
  Entry& entry = endpoints_[place->second];
  entry.cells->name.tls |= name.tls;
  if (EndpointRef held = entry.held.lock()) return held;
  ++entry.references;
  EndpointRef made(entry.cells.get(),
                   [let_go = let_go_, id = entry.cells->id](EndpointCells*) { let_go->say(id); });
  entry.held = made;
  return made;
}

ListenerCells& Telemetry::listener(std::string_view address) {
  const auto found = std::ranges::find(listeners_, address, &ListenerCells::address);
  if (found != listeners_.end()) return *found;
  return listeners_.emplace_back(
      ListenerCells{std::string(address), ByWorker<TlsShard>(worker_count())});
}

RateLimitCells& Telemetry::rate_limit(std::string_view name) {
  const auto found = std::ranges::find(rate_limits_, name, &RateLimitCells::name);
  if (found != rate_limits_.end()) return *found;
  return rate_limits_.emplace_back(
      RateLimitCells{std::string(name), ByWorker<RateLimitShard>(worker_count())});
}

RouteCells& Telemetry::route(std::string_view label) {
  const auto found = route_place_.find(label);
  if (found != route_place_.end()) return *found->second;
  RouteCells& made =
      routes_.emplace_back(RouteCells{std::string(label), ByWorker<RouteShard>(worker_count())});
  route_place_.emplace(made.label, &made);
  return made;
}

void Telemetry::for_each_endpoint(const std::function<void(const EndpointCells&)>& visit) const {
  for (const Entry& entry : endpoints_) visit(*entry.cells);
}

Telemetry::Departed& Telemetry::departed_of(const std::string& upstream) {
  Departed& departed = departed_[upstream];
  if (departed.values != nullptr) return departed;
  departed.id = next_id_++;
  departed.values = std::make_unique<EndpointValues>();
  departed.values->name.upstream = upstream;
  return departed;
}

std::vector<CellsId> Telemetry::take_let_go() {
  return let_go_->take();
}

std::vector<Telemetry::Folded> Telemetry::fold(const std::vector<CellsId>& let_go) {
  std::vector<Folded> folded;
  for (const CellsId id : let_go) {
    const auto entry = std::ranges::find_if(
        endpoints_, [&](const Entry& one) { return one.cells != nullptr && one.cells->id == id; });
    if (entry == endpoints_.end() || --entry->references > 0) continue;
    Departed& departed = departed_of(entry->cells->name.upstream);
    add_endpoint(merge_endpoint(*entry->cells), *departed.values);
    folded.push_back({id, departed.id});
    entry->cells.reset();
  }
  if (folded.empty()) return folded;
  std::erase_if(endpoints_, [](const Entry& entry) { return entry.cells == nullptr; });
  place_.clear();
  place_by_id_.clear();
  for (size_t i = 0; i < endpoints_.size(); ++i) {
    place_[key_of(endpoints_[i].cells->name)] = i;
    place_by_id_[endpoints_[i].cells->id] = i;
  }
  return folded;
}

}  // namespace onehop::telemetry
