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

void add_endpoint(const EndpointValues& from, EndpointValues& into) {
  add_metrics(from, into);
  for (size_t i = 0; i < kExchangeHistogramCount; ++i) into.exchange[i].add(from.exchange[i]);
  into.dial.add(from.dial);
  if (!from.tls) return;
  if (!into.tls) into.tls.emplace();
  add_tls(*from.tls, *into.tls);
}

std::vector<RouteValues> merge_routes(const Telemetry& telemetry) {
  std::vector<RouteValues> routes;
  for (size_t i = 0; i < telemetry.routes().size(); ++i) {
    const std::string& label = telemetry.routes()[i];
    auto place = std::ranges::find(routes, label, &RouteValues::route);
    if (place == routes.end()) {
      place = routes.insert(place, RouteValues());
      place->route = label;
    }
    for (size_t worker = 0; worker < telemetry.worker_count(); ++worker) {
      telemetry.shard(worker).routes[i].merge_into(*place);
    }
  }
  return routes;
}

std::vector<ListenerValues> merge_listeners(const Telemetry& telemetry) {
  std::vector<ListenerValues> listeners;
  for (size_t i = 0; i < telemetry.listeners().size(); ++i) {
    const std::string& address = telemetry.listeners()[i];
    auto place = std::ranges::find(listeners, address, &ListenerValues::address);
    if (place == listeners.end()) place = listeners.insert(place, {address, {}});
    for (size_t worker = 0; worker < telemetry.worker_count(); ++worker) {
      add_shard(telemetry.shard(worker).listener_tls[i], place->tls);
    }
  }
  return listeners;
}

void merge_endpoint_into(const Telemetry& telemetry, size_t endpoint, EndpointValues& values) {
  values.name = telemetry.endpoints()[endpoint];
  if (values.name.tls) values.tls.emplace();
  for (size_t worker = 0; worker < telemetry.worker_count(); ++worker) {
    const EndpointShard& shard = telemetry.shard(worker).endpoints[endpoint];
    add_shard(shard, values);
    for (size_t h = 0; h < kExchangeHistogramCount; ++h) {
      shard.exchange[h].merge_into(values.exchange[h]);
    }
    shard.dial.merge_into(values.dial);
    if (values.tls) add_shard(shard.tls, *values.tls);
  }
}

}  // namespace

DownstreamValues merge_downstream(const Telemetry& telemetry) {
  DownstreamValues values;
  for (size_t worker = 0; worker < telemetry.worker_count(); ++worker) {
    add_shard(telemetry.shard(worker).downstream, values);
  }
  return values;
}

EndpointMetrics merge_endpoint(const Telemetry& telemetry, size_t endpoint) {
  EndpointMetrics values;
  for (size_t worker = 0; worker < telemetry.worker_count(); ++worker) {
    add_shard(telemetry.shard(worker).endpoints[endpoint], values);
  }
  return values;
}

Snapshot merge(const Telemetry& telemetry) {
  Snapshot snapshot;
  snapshot.downstream = merge_downstream(telemetry);
  snapshot.outcomes = telemetry.outcomes();
  snapshot.workers = telemetry.worker_count();
  snapshot.listeners = merge_listeners(telemetry);
  snapshot.routes = merge_routes(telemetry);
  snapshot.endpoints = std::vector<EndpointValues>(telemetry.endpoints().size());
  for (size_t i = 0; i < snapshot.endpoints.size(); ++i) {
    merge_endpoint_into(telemetry, i, snapshot.endpoints[i]);
  }
  return snapshot;
}

std::vector<EndpointValues> by_upstream(const Snapshot& snapshot) {
  const auto upstream_of = [](const EndpointValues& values) -> const std::string& {
    return values.name.upstream;
  };
  std::vector<EndpointValues> upstreams;
  for (const EndpointValues& endpoint : snapshot.endpoints) {
    auto place = std::ranges::find(upstreams, endpoint.name.upstream, upstream_of);
    if (place == upstreams.end()) {
      place = upstreams.insert(place, EndpointValues());
      place->name.upstream = endpoint.name.upstream;
    }
    add_endpoint(endpoint, *place);
  }
  return upstreams;
}

}  // namespace onehop::telemetry
