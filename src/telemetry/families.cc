// SPDX-License-Identifier: MIT
// Which families there are, and what has a series in them. The rows of shard.h and tls.h are a
// family each; the histograms are listed here.
#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <vector>

#include "onehop/telemetry/exposition.h"

namespace onehop::telemetry {

namespace {

using Names = std::span<const std::string_view>;

// Which of the tables in shard.h and tls.h names the cells of a row.
Names names_of_cells(const MetricRow& row) {
  if (row.member == "h2_floods") return kH2FloodNames;
  if (row.member == "proxy_header_faults") return kProxyHeaderFaultNames;
  if (row.member == "refused") return kClientLimitNames;
  if (row.label == "reason") return kOpenReasonNames;
  if (row.label == "by") return kCloserNames;
  return kStatusClassNames;
}

template <class Number>
void write_cells(const MetricRow& row, std::span<const Number> values, const Labels& labels,
                 Names names, ExpositionWriter& writer) {
  if (row.label == "none") return writer.sample(labels, values[0]);
  for (size_t i = 0; i < names.size(); ++i) {
    writer.sample(Labels(labels).add(row.label, names[i]), values[i]);
  }
}

// What of an outcome can be summed is beside it: its class.
void write_outcomes(std::span<const uint64_t> values, const Labels& labels,
                    const Snapshot& snapshot, ExpositionWriter& writer) {
  for (size_t i = 0; i < snapshot.outcomes.size(); ++i) {
    const auto& [name, of] = snapshot.outcomes[i];
    writer.sample(Labels(labels)
                      .add("outcome", name)
                      .add("class", kOutcomeClassNames[static_cast<size_t>(of)]),
                  values[i]);
  }
}

template <class Number>
void write_row(const MetricRow& row, std::span<const Number> values, const Labels& labels,
               const Snapshot& snapshot, ExpositionWriter& writer) {
  if constexpr (std::is_same_v<Number, uint64_t>) {
    if (row.label == "outcome") return write_outcomes(values, labels, snapshot, writer);
  }
  write_cells(row, values, labels, names_of_cells(row), writer);
}

void begin_family(const MetricRow& row, std::string_view prefix, ExpositionWriter& writer) {
  const auto kind = row.kind == MetricKind::counter ? FamilyKind::counter : FamilyKind::gauge;
  writer.begin({kind, fmt::format("{}{}", prefix, row.name), row.help});
}

void begin_histogram(std::string name, std::string_view help, ExpositionWriter& writer) {
  writer.begin({FamilyKind::histogram, std::move(name), help, "seconds"});
}

// What stands in the label `endpoint` for all that are gone.
constexpr std::string_view kDeparted = "departed";

// Something that has the metrics of endpoints: one of them, or all of an upstream together.
struct Source {
  Labels labels;
  const EndpointValues* values;
};

std::vector<Source> upstreams_of(const std::vector<EndpointValues>& merged) {
  std::vector<Source> sources;
  for (const EndpointValues& values : merged) {
    sources.push_back({Labels().add("upstream", values.name.upstream), &values});
  }
  return sources;
}

// Those that are gone together, so that the sums over the endpoints of an upstream never fall.
std::vector<Source> endpoints_of(const Snapshot& snapshot) {
  std::vector<Source> sources;
  for (const auto* all : {&snapshot.endpoints, &snapshot.departed}) {
    for (const EndpointValues& values : *all) {
      const std::string_view address = values.name.address;
      sources.push_back({Labels()
                             .add("upstream", values.name.upstream)
                             .add("endpoint", address.empty() ? kDeparted : address),
                         &values});
    }
  }
  return sources;
}

// Always of each endpoint, as the outcomes by name need not be.
void write_attempts(const std::vector<Source>& endpoints, const Snapshot& snapshot,
                    ExpositionWriter& writer) {
  writer.begin({FamilyKind::counter, "onehop_upstream_attempts",
                "Attempts ended, by whose doing their outcome is"});
  for (const auto& [labels, values] : endpoints) {
    std::array<uint64_t, kOutcomeClassCount> counts{};
    for (size_t i = 0; i < snapshot.outcomes.size(); ++i) {
      counts[static_cast<size_t>(snapshot.outcomes[i].of)] += values->outcomes[i];
    }
    for (size_t i = 0; i < kOutcomeClassCount; ++i) {
      writer.sample(Labels(labels).add("class", kOutcomeClassNames[i]), counts[i]);
    }
  }
}

// An objective is a share of the requests that were answered, or that were answered in time.
bool always_shown(size_t status_class) {
  const std::string_view name = kStatusClassNames[status_class];
  return name == "2xx" || name == "5xx";
}

void write_routes(const std::vector<RouteValues>& routes, ExpositionWriter& writer) {
  begin_histogram("onehop_downstream_request_seconds",
                  "Time of clients' requests, all attempts together, from their first byte to the "
                  "last byte of the response",
                  writer);
  for (const RouteValues& route : routes) {
    for (size_t i = 0; i < kStatusClassCount; ++i) {
      if (!always_shown(i) && route.seconds[i].count() == 0) continue;
      writer.histogram(Labels().add("route", route.route).add("class", kStatusClassNames[i]),
                       route.seconds[i]);
    }
  }
  writer.begin({FamilyKind::counter, "onehop_downstream_responses",
                "Requests ended, by the status sent to the client"});
  for (const RouteValues& route : routes) {
    for (const auto& [code, count] : route.codes) {
      const std::string text = code == 0 ? "none" : fmt::format("{}", code);
      writer.sample(Labels().add("route", route.route).add("code", text), count);
    }
  }
}

void write_rate_limits(const std::vector<RateLimitValues>& limits, ExpositionWriter& writer) {
  for_each_rate_limit_metric([&](const MetricRow& row, auto cells_of) {
    begin_family(row, "onehop_", writer);
    for (const RateLimitValues& values : limits)
      write_cells(row, cells_of(values), Labels().add("limit", values.name), {}, writer);
  });
}

void write_exchanges(const std::vector<Source>& sources, ExpositionWriter& writer) {
  begin_histogram("onehop_exchange_seconds", "Time of whole exchanges: the sum of their phases",
                  writer);
  for (const auto& [labels, values] : sources) {
    writer.histogram(labels, values->exchange[kTotalIndex]);
  }
  begin_histogram("onehop_exchange_phase_seconds", "Time that an exchange spent in each phase",
                  writer);
  for (const auto& [labels, values] : sources) {
    if (values->exchange[kTotalIndex].count() == 0) continue;
    for (size_t i = 0; i < kPhaseCount; ++i) {
      writer.histogram(Labels(labels).add("phase", kPhaseNames[i]), values->exchange[i]);
    }
  }
  begin_histogram(
      "onehop_proxy_overhead_seconds",
      "Time of exchanges less everything spent waiting for client, endpoint or a free slot",
      writer);
  for (const auto& [labels, values] : sources) {
    const HistogramValues& overhead = values->exchange[kOverheadIndex];
    if (overhead.count() != 0) writer.histogram(labels, overhead);
  }
  begin_histogram("onehop_upstream_connect_seconds",
                  "Time to set up the connections that were established", writer);
  for (const auto& [labels, values] : sources) {
    if (values->dial.count() != 0) writer.histogram(labels, values->dial);
  }
}

// The handshakes of something that speaks TLS.
struct TlsSource {
  Labels labels;
  const TlsValues* values;
};

std::vector<TlsSource> listeners_with_tls(const Snapshot& snapshot) {
  std::vector<TlsSource> sources;
  for (const ListenerValues& listener : snapshot.listeners) {
    sources.push_back({Labels().add("listener", listener.address), &listener.tls});
  }
  return sources;
}

std::vector<TlsSource> with_tls(const std::vector<Source>& all) {
  std::vector<TlsSource> sources;
  for (const auto& [labels, values] : all) {
    if (values->tls) sources.push_back({labels, &*values->tls});
  }
  return sources;
}

enum class Idle : uint8_t { shown, left_out };

void write_tls(const std::vector<TlsSource>& sources, std::string_view prefix, Idle idle,
               ExpositionWriter& writer) {
  for_each_tls_metric([&](const MetricRow& row, auto cells_of) {
    begin_family(row, prefix, writer);
    for (const auto& [labels, values] : sources) {
      write_cells(row, cells_of(*values), labels, kTlsFailureNames, writer);
    }
  });
  begin_histogram(fmt::format("{}tls_handshake_seconds", prefix),
                  "Time of the TLS handshakes that succeeded, by whether a session was resumed",
                  writer);
  for (const auto& [labels, values] : sources) {
    if (idle == Idle::left_out && values->full.count() + values->resumed.count() == 0) continue;
    writer.histogram(Labels(labels).add("resumed", "false"), values->full);
    writer.histogram(Labels(labels).add("resumed", "true"), values->resumed);
  }
}

}  // namespace

bool shown_of_each(const MetricRow& row) {
  constexpr std::string_view kMembers[] = {"connect_failed", "open", "requests", "in_flight",
                                           "queued"};
  return std::ranges::find(kMembers, row.member) != std::end(kMembers);
}

void write_metrics(const Snapshot& snapshot, Detail detail, ExpositionWriter& writer) {
  for_each_downstream_metric([&](const MetricRow& row, auto cells_of) {
    begin_family(row, "onehop_", writer);
    write_row(row, cells_of(snapshot.downstream), Labels(), snapshot, writer);
  });
  write_routes(snapshot.routes, writer);
  write_rate_limits(snapshot.rate_limits, writer);

  const std::vector<EndpointValues> merged =
      detail == Detail::upstream ? by_upstream(snapshot) : std::vector<EndpointValues>();
  const std::vector<Source> endpoints = endpoints_of(snapshot);
  const std::vector<Source> sources = detail == Detail::upstream ? upstreams_of(merged) : endpoints;
  for_each_endpoint_metric([&](const MetricRow& row, auto cells_of) {
    begin_family(row, "onehop_", writer);
    for (const auto& [labels, values] : shown_of_each(row) ? endpoints : sources) {
      write_row(row, cells_of(*values), labels, snapshot, writer);
    }
  });
  write_attempts(endpoints, snapshot, writer);
  write_exchanges(sources, writer);
  write_tls(listeners_with_tls(snapshot), "onehop_downstream_", Idle::shown, writer);
  write_tls(with_tls(sources), "onehop_upstream_", Idle::left_out, writer);
}

}  // namespace onehop::telemetry
