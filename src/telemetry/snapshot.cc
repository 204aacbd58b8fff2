// SPDX-License-Identifier: MIT
// Sums the shards. The two functions that add one shard are written by the rows of shard.h.
#include "onehop/telemetry/snapshot.h"

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

#undef ONEHOP_ADD

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
  snapshot.endpoints = std::vector<EndpointValues>(telemetry.endpoints().size());
  for (size_t i = 0; i < snapshot.endpoints.size(); ++i) {
    EndpointValues& values = snapshot.endpoints[i];
    values.name = telemetry.endpoints()[i];
    for (size_t worker = 0; worker < telemetry.worker_count(); ++worker) {
      const EndpointShard& shard = telemetry.shard(worker).endpoints[i];
      add_shard(shard, values);
      for (size_t h = 0; h < kExchangeHistogramCount; ++h) {
        shard.exchange[h].merge_into(values.exchange[h]);
      }
      shard.dial.merge_into(values.dial);
    }
  }
  return snapshot;
}

}  // namespace onehop::telemetry
