// SPDX-License-Identifier: MIT
// A snapshot: all shards summed into plain numbers. Its structs are made from the same rows as the
// shards (shard.h), so a metric that is counted is also here.
//
// Merging reads the cells of running workers with relaxed loads: nobody is stopped, nothing is
// locked, each cell is whole, and two cells may be a moment apart (a request may be counted in
// `requests` and not yet in `outcomes`). Merging belongs to the thread of the registry.
//
// One EndpointValues is 4 KB and, where something was recorded, the pages of its histograms.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "onehop/telemetry/telemetry.h"

namespace onehop::telemetry {

// A row of `count` cells is an array; a row of one is the number itself.
template <class Number, size_t count>
using Values = std::conditional_t<count == 1, Number, std::array<Number, count>>;

#define ONEHOP_COUNTER_VALUES(member, name, label, count, help) Values<uint64_t, (count)> member{};
#define ONEHOP_GAUGE_VALUES(member, name, label, count, help) Values<int64_t, (count)> member{};

struct DownstreamValues {
  ONEHOP_DOWNSTREAM_METRICS(ONEHOP_COUNTER_VALUES, ONEHOP_GAUGE_VALUES)
};

struct EndpointMetrics {
  ONEHOP_ENDPOINT_METRICS(ONEHOP_COUNTER_VALUES, ONEHOP_GAUGE_VALUES)
};

struct TlsMetrics {
  ONEHOP_TLS_METRICS(ONEHOP_COUNTER_VALUES, ONEHOP_GAUGE_VALUES)
};

struct RateLimitValues {
  std::string name;
  ONEHOP_RATE_LIMIT_METRICS(ONEHOP_COUNTER_VALUES, ONEHOP_GAUGE_VALUES)
};

#undef ONEHOP_COUNTER_VALUES
#undef ONEHOP_GAUGE_VALUES

// In the order of exchange_histogram_name().
using ExchangeValues = std::array<HistogramValues, kExchangeHistogramCount>;

struct TlsValues : TlsMetrics {
  HistogramValues full;
  HistogramValues resumed;
};

struct EndpointValues : EndpointMetrics {
  EndpointName name;
  CellsId id = 0;
  ExchangeValues exchange;
  HistogramValues dial;
  std::optional<TlsValues> tls;  // where the endpoint speaks TLS
};

// A listener that speaks TLS.
struct ListenerValues {
  std::string address;
  TlsValues tls;
};

struct Snapshot {
  DownstreamValues downstream;
  std::vector<ListenerValues> listeners;  // in the order of Telemetry::listeners()
  std::vector<EndpointValues> endpoints;  // in that of Telemetry::for_each_endpoint()
  // What endpoints that are gone counted, by upstream; their addresses are empty.
  std::vector<EndpointValues> departed;
  std::vector<RouteValues> routes;  // in the order of Telemetry::routes()
  std::vector<RateLimitValues> rate_limits;
  std::vector<OutcomeName> outcomes;
  size_t workers = 0;
};

Snapshot merge(const Telemetry& telemetry);
EndpointValues merge_endpoint(const EndpointCells& cells);
void add_endpoint(const EndpointValues& from, EndpointValues& into);  // all but the name

// What the endpoints of each upstream hold together, those that are gone among them, in the order
// of their first endpoints; its address is empty.
std::vector<EndpointValues> by_upstream(const Snapshot& snapshot);

// The counters and gauges alone, for who reads every second.
DownstreamValues merge_downstream(const Telemetry& telemetry);
EndpointMetrics merge_metrics(const EndpointCells& cells);

// Over all cells of a row: opened for any reason, requests of any class.
template <size_t count>
constexpr uint64_t sum(const std::array<uint64_t, count>& cells) {
  uint64_t total = 0;
  for (const uint64_t cell : cells) total += cell;
  return total;
}

// What a row says about itself.
enum class MetricKind : uint8_t { counter, gauge };
struct MetricRow {
  MetricKind kind;
  std::string_view member;
  std::string_view name;   // as in its table: without prefix and without _total
  std::string_view label;  // "none": a single cell
  size_t count;
  std::string_view help;
};

inline std::span<const uint64_t> cells(const uint64_t& value) {
  return {&value, 1};
}
inline std::span<const int64_t> cells(const int64_t& value) {
  return {&value, 1};
}
template <class Number, size_t count>
std::span<const Number> cells(const std::array<Number, count>& values) {
  return values;
}

// Calls visit(row, cells_of) for each row of a table, in its order. cells_of takes the struct of
// the table and returns a span of the row's numbers: of uint64_t for a counter, of int64_t for a
// gauge.
#define ONEHOP_VISIT(Struct, kind_, member, name, label, count, help)                          \
  visit(MetricRow{MetricKind::kind_, #member, name, #label, static_cast<size_t>(count), help}, \
        [](const Struct& values) { return cells(values.member); });
#define ONEHOP_VISIT_DOWNSTREAM_COUNTER(...) ONEHOP_VISIT(DownstreamValues, counter, __VA_ARGS__)
#define ONEHOP_VISIT_DOWNSTREAM_GAUGE(...) ONEHOP_VISIT(DownstreamValues, gauge, __VA_ARGS__)
#define ONEHOP_VISIT_ENDPOINT_COUNTER(...) ONEHOP_VISIT(EndpointMetrics, counter, __VA_ARGS__)
#define ONEHOP_VISIT_ENDPOINT_GAUGE(...) ONEHOP_VISIT(EndpointMetrics, gauge, __VA_ARGS__)
#define ONEHOP_VISIT_TLS_COUNTER(...) ONEHOP_VISIT(TlsMetrics, counter, __VA_ARGS__)
#define ONEHOP_VISIT_TLS_GAUGE(...) ONEHOP_VISIT(TlsMetrics, gauge, __VA_ARGS__)
#define ONEHOP_VISIT_LIMIT_COUNTER(...) ONEHOP_VISIT(RateLimitValues, counter, __VA_ARGS__)
#define ONEHOP_VISIT_LIMIT_GAUGE(...) ONEHOP_VISIT(RateLimitValues, gauge, __VA_ARGS__)

template <class Visit>
void for_each_downstream_metric(Visit&& visit) {
  ONEHOP_DOWNSTREAM_METRICS(ONEHOP_VISIT_DOWNSTREAM_COUNTER, ONEHOP_VISIT_DOWNSTREAM_GAUGE)
}

template <class Visit>
void for_each_endpoint_metric(Visit&& visit) {
  ONEHOP_ENDPOINT_METRICS(ONEHOP_VISIT_ENDPOINT_COUNTER, ONEHOP_VISIT_ENDPOINT_GAUGE)
}

template <class Visit>
void for_each_tls_metric(Visit&& visit) {
  ONEHOP_TLS_METRICS(ONEHOP_VISIT_TLS_COUNTER, ONEHOP_VISIT_TLS_GAUGE)
}

template <class Visit>
void for_each_rate_limit_metric(Visit&& visit) {
  ONEHOP_RATE_LIMIT_METRICS(ONEHOP_VISIT_LIMIT_COUNTER, ONEHOP_VISIT_LIMIT_GAUGE)
}

#undef ONEHOP_VISIT
#undef ONEHOP_VISIT_DOWNSTREAM_COUNTER
#undef ONEHOP_VISIT_DOWNSTREAM_GAUGE
#undef ONEHOP_VISIT_ENDPOINT_COUNTER
#undef ONEHOP_VISIT_ENDPOINT_GAUGE
#undef ONEHOP_VISIT_TLS_COUNTER
#undef ONEHOP_VISIT_TLS_GAUGE
#undef ONEHOP_VISIT_LIMIT_COUNTER
#undef ONEHOP_VISIT_LIMIT_GAUGE

}  // namespace onehop::telemetry
