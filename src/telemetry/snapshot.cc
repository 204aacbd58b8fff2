// SPDX-License-Identifier: MIT
// Sums the shards. The functions that add one shard are written by the rows of shard.h and tls.h.
#include "onehop/telemetry/snapshot.h"

#include <algorithm>

namespace onehop::telemetry {

namespace {

template <class Cell>
void add_cells(const Cells<Cell, 1>& from, auto& into) {
  into += from.value();
}

template <class Cell, size_t count, class Number>
void add_cells(const Cells<Cell, count>& from, std::array<Number, count>& into) {
  for (size_t i = 0; i < count; ++i) into[i] += from.value(i);
}

#define ONEHOP_ADD(member, name, label, count, help) add_cells(from.member, into.member);

void add_shard(const DownstreamShard& from, DownstreamValues& into) {
  ONEHOP_DOWNSTREAM_METRICS(ONEHOP_ADD, ONEHOP_ADD)
}

void add_shard(const EndpointShard& from, EndpointMetrics& into) {
  ONEHOP_ENDPOINT_METRICS(ONEHOP_ADD, ONEHOP_ADD)
}

void add_shard(const TlsShard& from, TlsValues& into) {
  ONEHOP_TLS_METRICS(ONEHOP_ADD, ONEHOP_ADD)
  from.full.merge_into(into.full);
  from.resumed.merge_into(into.resumed);
}

void add_shard(const RateLimitShard& from, RateLimitValues& into) {
  ONEHOP_RATE_LIMIT_METRICS(ONEHOP_ADD, ONEHOP_ADD)
}

#undef ONEHOP_ADD

// The same for plain numbers.
void add_values(const auto& from, auto& into) {
  into += from;
}

template <class Number, size_t count>
void add_values(const std::array<Number, count>& from, std::array<Number, count>& into) {
  for (size_t i = 0; i < count; ++i) into[i] += from[i];
}

#define ONEHOP_ADD(member, name, label, count, help) add_values(from.member, into.member);

void add_metrics(const EndpointMetrics& from, EndpointMetrics& into) {
  ONEHOP_ENDPOINT_METRICS(ONEHOP_ADD, ONEHOP_ADD)
}

void add_tls(const TlsValues& from, TlsValues& into) {
  ONEHOP_TLS_METRICS(ONEHOP_ADD, ONEHOP_ADD)
  into.full.add(from.full);
  into.resumed.add(from.resumed);
}

#undef ONEHOP_ADD

std::vector<RouteValues> merge_routes(const Telemetry& telemetry) {
  std::vector<RouteValues> routes;
  for (const RouteCells& cells : telemetry.routes()) {
    RouteValues& values = routes.emplace_back();
    values.route = cells.label;
    cells.by_worker.for_each([&](const RouteShard& shard) { shard.merge_into(values); });
  }
  return routes;
}

std::vector<RateLimitValues> merge_rate_limits(const Telemetry& telemetry) {
  std::vector<RateLimitValues> limits;
  for (const RateLimitCells& cells : telemetry.rate_limits()) {
    RateLimitValues& values = limits.emplace_back();
    values.name = cells.name;
    cells.by_worker.for_each([&](const RateLimitShard& shard) { add_shard(shard, values); });
  }
  return limits;
}

std::vector<ListenerValues> merge_listeners(const Telemetry& telemetry) {
  std::vector<ListenerValues> listeners;
  for (const ListenerCells& cells : telemetry.listeners()) {
    ListenerValues& values = listeners.emplace_back(ListenerValues{cells.address, {}});
    cells.by_worker.for_each([&](const TlsShard& shard) { add_shard(shard, values.tls); });
  }
  return listeners;
}

}  // namespace

DownstreamValues merge_downstream(const Telemetry& telemetry) {
  DownstreamValues values;
  for (size_t worker = 0; worker < telemetry.worker_count(); ++worker) {
    add_shard(telemetry.shard(worker).downstream, values);
  }
  return values;
}

EndpointMetrics merge_metrics(const EndpointCells& cells) {
  EndpointMetrics values;
  cells.by_worker.for_each([&](const EndpointShard& shard) { add_shard(shard, values); });
  return values;
}

EndpointValues merge_endpoint(const EndpointCells& cells) {
  EndpointValues values;
  values.name = cells.name;
  values.id = cells.id;
  if (values.name.tls) values.tls.emplace();
  cells.by_worker.for_each([&](const EndpointShard& shard) {
    add_shard(shard, values);
    for (size_t h = 0; h < kExchangeHistogramCount; ++h) {
      shard.exchange[h].merge_into(values.exchange[h]);
    }
    shard.dial.merge_into(values.dial);
    if (values.tls) add_shard(shard.tls, *values.tls);
  });
  return values;
}

void add_endpoint(const EndpointValues& from, EndpointValues& into) {
  add_metrics(from, into);
  for (size_t i = 0; i < kExchangeHistogramCount; ++i) into.exchange[i].add(from.exchange[i]);
  into.dial.add(from.dial);
  if (!from.tls) return;
  if (!into.tls) into.tls.emplace();
  add_tls(*from.tls, *into.tls);
}

Snapshot merge(const Telemetry& telemetry) {
  Snapshot snapshot;
  snapshot.downstream = merge_downstream(telemetry);
  snapshot.outcomes = telemetry.outcomes();
  snapshot.workers = telemetry.worker_count();
  snapshot.listeners = merge_listeners(telemetry);
  snapshot.routes = merge_routes(telemetry);
  snapshot.rate_limits = merge_rate_limits(telemetry);
  telemetry.for_each_endpoint(
      [&](const EndpointCells& cells) { snapshot.endpoints.push_back(merge_endpoint(cells)); });
  for (const auto& [upstream, departed] : telemetry.departed()) {
    EndpointValues& values = snapshot.departed.emplace_back(*departed.values);
    values.id = departed.id;
  }
  return snapshot;
}

std::vector<EndpointValues> by_upstream(const Snapshot& snapshot) {
  const auto upstream_of = [](const EndpointValues& values) -> const std::string& {
    return values.name.upstream;
  };
  std::vector<EndpointValues> upstreams;
  for (const auto* all : {&snapshot.endpoints, &snapshot.departed}) {
    for (const EndpointValues& endpoint : *all) {
      auto place = std::ranges::find(upstreams, endpoint.name.upstream, upstream_of);
      if (place == upstreams.end()) {
        place = upstreams.insert(place, EndpointValues());
        place->name.upstream = endpoint.name.upstream;
      }
      add_endpoint(endpoint, *place);
    }
  }
  return upstreams;
}

}  // namespace onehop::telemetry
