// SPDX-License-Identifier: MIT
// Telemetry: the registry of what is counted. Endpoints, listeners and routes come and go while the
// program runs; each has its cells here, found by its name and never by a place in a list.
//
//   main      endpoint(name) -> EndpointRef, which goes to the workers in a set of endpoints
//   worker    its own cell, made when it first counts something: ref->by_worker.of(worker)
//   readers   visit what there is (snapshot.h), on main's thread
//
// An endpoint's cells live as long as somebody holds a reference. The last one to let go, on
// whatever thread, only says so; collect() then folds what was counted into the totals of the
// departed of its upstream, so that sums over an upstream never fall. The cells of listeners,
// routes and rate limits stay.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "onehop/telemetry/on_first_use.h"
#include "onehop/telemetry/shard.h"

namespace onehop::telemetry {

struct EndpointValues;

// A cell for each worker. Each is made and written by its worker; any thread may read.
template <class Shard>
class ByWorker {
 public:
  explicit ByWorker(size_t workers)
      : count_(workers), cells_(std::make_unique<OnFirstUse<Shard>[]>(workers)) {}

  Shard& of(size_t worker) { return cells_[worker].get(); }

  template <class Visit>
  void for_each(Visit&& visit) const {
    for (size_t i = 0; i < count_; ++i) {
      if (const Shard* made = cells_[i].if_made()) visit(*made);
    }
  }

 private:
  size_t count_;
  std::unique_ptr<OnFirstUse<Shard>[]> cells_;
};

// Names something that is counted for as long as the program runs. Never used again.
using CellsId = uint64_t;

struct EndpointCells {
  EndpointCells(EndpointName endpoint, CellsId number, size_t workers)
      : name(std::move(endpoint)), id(number), by_worker(workers) {}

  EndpointName name;  // of main's thread
  const CellsId id;
  ByWorker<EndpointShard> by_worker;
};
using EndpointRef = std::shared_ptr<EndpointCells>;

struct ListenerCells {
  const std::string address;  // as configured
  ByWorker<TlsShard> by_worker;
};

struct RouteCells {
  const std::string label;
  ByWorker<RouteShard> by_worker;
};

struct RateLimitCells {
  const std::string name;
  ByWorker<RateLimitShard> by_worker;
};

// But for shard(), and letting go of a reference, all of it belongs to one thread.
class Telemetry {
 public:
  Telemetry(std::vector<OutcomeName> outcomes, size_t workers);
  ~Telemetry();
  Telemetry(const Telemetry&) = delete;
  Telemetry& operator=(const Telemetry&) = delete;

  // What a worker counts of itself. Any thread.
  Shard& shard(size_t worker) { return shards_[worker]; }
  const Shard& shard(size_t worker) const { return shards_[worker]; }
  size_t worker_count() const { return shards_.size(); }
  const std::vector<OutcomeName>& outcomes() const { return outcomes_; }  // at most kMaxOutcomes

  // The cells of that name; made where there are none. An endpoint's is known by its upstream and
  // address: `name.tls` is what holds from now on. A route of no name ("") has the requests that no
  // route took, and is there from the start. The references stay good.
  EndpointRef endpoint(EndpointName name);
  ListenerCells& listener(std::string_view address);  // that speaks TLS
  RouteCells& route(std::string_view label);
  RateLimitCells& rate_limit(std::string_view name);

  // In the order in which they were first asked for.
  void for_each_endpoint(const std::function<void(const EndpointCells&)>& visit) const;
  const std::deque<ListenerCells>& listeners() const { return listeners_; }
  const std::deque<RouteCells>& routes() const { return routes_; }
  const std::deque<RateLimitCells>& rate_limits() const { return rate_limits_; }

  // What the endpoints that are gone counted: one for each upstream that lost any, its address
  // empty.
  struct Departed {
    CellsId id = 0;
    std::unique_ptr<EndpointValues> values;
  };
  using DepartedByUpstream = std::map<std::string, Departed, std::less<>>;
  const DepartedByUpstream& departed() const { return departed_; }

  // References that were let go of since the last call: nobody counts through them any more.
  std::vector<CellsId> take_let_go();

  // Folds those of `let_go` that nobody holds. `into` is the id of their upstream's departed.
  struct Folded {
    CellsId endpoint;
    CellsId into;
  };
  std::vector<Folded> fold(const std::vector<CellsId>& let_go);

 private:
  struct LetGo;  // where the last holder of a reference leaves word
  struct Entry {
    std::unique_ptr<EndpointCells> cells;
    std::weak_ptr<EndpointCells> held;
    unsigned references = 0;  // given out, and not let go of as far as is known
  };
  Departed& departed_of(const std::string& upstream);

  std::vector<OutcomeName> outcomes_;
  std::deque<Shard> shards_;
  std::vector<Entry> endpoints_;
  // In endpoints_: by upstream and address, and by id.
  std::unordered_map<std::string, size_t> place_;
  std::unordered_map<CellsId, size_t> place_by_id_;
  std::deque<ListenerCells> listeners_;
  std::deque<RouteCells> routes_;
  std::deque<RateLimitCells> rate_limits_;
  std::unordered_map<std::string_view, RouteCells*> route_place_;
  DepartedByUpstream departed_;
  std::shared_ptr<LetGo> let_go_;
  CellsId next_id_ = 1;
};

}  // namespace onehop::telemetry
