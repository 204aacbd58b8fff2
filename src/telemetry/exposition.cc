// SPDX-License-Identifier: MIT
// The two text formats differ in four places: OpenMetrics names a counter's family without _total,
// knows the type `info`, has UNIT lines, and ends with # EOF. (Where there is no type `info` it is
// a gauge.)
#include "onehop/telemetry/exposition.h"

#include <fmt/format.h>

#include <iterator>
#include <span>
#include <utility>
#include <vector>

namespace onehop::telemetry {

namespace {

constexpr auto kEdges = bucket_edges();

std::string_view kind_name(FamilyKind kind, Exposition format) {
  switch (kind) {
    case FamilyKind::counter:
      return "counter";
    case FamilyKind::gauge:
      return "gauge";
    case FamilyKind::histogram:
      return "histogram";
    case FamilyKind::info:
      return format == Exposition::openmetrics ? "info" : "gauge";
  }
  return "";
}

std::string_view suffix_of(FamilyKind kind) {
  switch (kind) {
    case FamilyKind::counter:
      return "_total";
    case FamilyKind::info:
      return "_info";
    case FamilyKind::gauge:
    case FamilyKind::histogram:
      return "";
  }
  return "";
}

void append_escaped(std::string_view text, std::string_view special, std::string& into) {
  for (const char c : text) {
    if (c == '\n') {
      into += "\\n";
      continue;
    }
    if (special.find(c) != std::string_view::npos) into += '\\';
    into += c;
  }
}

double seconds(uint64_t ns) {
  return static_cast<double>(ns) / 1e9;
}

using Names = std::span<const std::string_view>;

// Which of the tables in shard.h names the cells of a row.
Names names_of_cells(const MetricRow& row, const Snapshot& snapshot) {
  if (row.label == "reason") return kOpenReasonNames;
  if (row.label == "by") return kCloserNames;
  if (row.label == "class") return kStatusClassNames;
  return snapshot.outcomes;
}

template <class Number>
void write_cells(const MetricRow& row, std::span<const Number> values, const Labels& labels,
                 Names names, ExpositionWriter& writer) {
  if (row.label == "none") return writer.sample(labels, values[0]);
  for (size_t i = 0; i < names.size(); ++i) {
    if (row.label == "outcome" && values[i] == 0) continue;
    Labels of_cell = labels;
    writer.sample(of_cell.add(row.label, names[i]), values[i]);
  }
}

void begin_family(const MetricRow& row, std::string_view prefix, ExpositionWriter& writer) {
  const auto kind = row.kind == MetricKind::counter ? FamilyKind::counter : FamilyKind::gauge;
  writer.family(kind, fmt::format("{}{}", prefix, row.name), row.help);
}

Labels endpoint_labels(const EndpointValues& endpoint) {
  Labels labels;
  labels.add("upstream", endpoint.name.upstream).add("endpoint", endpoint.name.address);
  return labels;
}

void write_histograms(const Snapshot& snapshot, ExpositionWriter& writer) {
  writer.family(FamilyKind::histogram, "onehop_exchange_phase_seconds",
                "Time that an exchange spent in each phase", "seconds");
  for (const EndpointValues& endpoint : snapshot.endpoints) {
    for (size_t i = 0; i < kPhaseCount; ++i) {
      writer.histogram(endpoint_labels(endpoint).add("phase", kPhaseNames[i]),
                       endpoint.exchange[i]);
    }
  }
  const auto one_each = [&](std::string_view name, std::string_view help,
                            const HistogramValues& (*values_of)(const EndpointValues&)) {
    writer.family(FamilyKind::histogram, name, help, "seconds");
    for (const EndpointValues& endpoint : snapshot.endpoints) {
      writer.histogram(endpoint_labels(endpoint), values_of(endpoint));
    }
  };
  one_each(
      "onehop_exchange_seconds", "Time of whole exchanges: the sum of their phases",
      [](const EndpointValues& e) -> const auto& { return e.exchange[kTotalIndex]; });
  one_each(
      "onehop_proxy_overhead_seconds",
      "Time of exchanges less everything spent waiting for client, endpoint or a free slot",
      [](const EndpointValues& e) -> const auto& { return e.exchange[kOverheadIndex]; });
  one_each(
      "onehop_upstream_connect_seconds", "Time to set up the connections that were established",
      [](const EndpointValues& e) -> const auto& { return e.dial; });
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

std::vector<TlsSource> endpoints_with_tls(const Snapshot& snapshot) {
  std::vector<TlsSource> sources;
  for (const EndpointValues& endpoint : snapshot.endpoints) {
    if (endpoint.tls) sources.push_back({endpoint_labels(endpoint), &*endpoint.tls});
  }
  return sources;
}

void write_tls(const std::vector<TlsSource>& sources, std::string_view prefix,
               ExpositionWriter& writer) {
  for_each_tls_metric([&](const MetricRow& row, auto cells_of) {
    begin_family(row, prefix, writer);
    for (const auto& [labels, values] : sources) {
      write_cells(row, cells_of(*values), labels, kTlsFailureNames, writer);
    }
  });
  writer.family(FamilyKind::histogram, fmt::format("{}tls_handshake_seconds", prefix),
                "Time of the TLS handshakes that succeeded, by whether a session was resumed",
                "seconds");
  for (const auto& [labels, values] : sources) {
    writer.histogram(Labels(labels).add("resumed", "false"), values->full);
    writer.histogram(Labels(labels).add("resumed", "true"), values->resumed);
  }
}

}  // namespace

std::string_view content_type(Exposition format) {
  return format == Exposition::openmetrics
             ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
             : "text/plain; version=0.0.4; charset=utf-8";
}

Labels& Labels::add(std::string_view name, std::string_view value) {
  if (!text_.empty()) text_ += ',';
  text_.append(name).append("=\"");
  append_escaped(value, "\\\"", text_);
  text_ += '"';
  return *this;
}

void ExpositionWriter::family(FamilyKind kind, std::string_view name, std::string_view help,
                              std::string_view unit) {
  const bool openmetrics = format_ == Exposition::openmetrics;
  kind_ = kind;
  name_ = name;
  const std::string shown = openmetrics ? name_ : name_ + std::string(suffix_of(kind));
  text_ += fmt::format("# HELP {} ", shown);
  append_escaped(help, openmetrics ? "\\\"" : "\\", text_);
  text_ += fmt::format("\n# TYPE {} {}\n", shown, kind_name(kind, format_));
  if (openmetrics && !unit.empty()) text_ += fmt::format("# UNIT {} {}\n", shown, unit);
}

void ExpositionWriter::line(std::string_view suffix, std::string_view labels,
                            std::string_view value) {
  text_.append(name_).append(suffix);
  if (!labels.empty()) text_.append("{").append(labels).append("}");
  text_.append(" ").append(value).append("\n");
}

void ExpositionWriter::sample(const Labels& labels, uint64_t value) {
  line(suffix_of(kind_), labels.text(), fmt::format_int(value).c_str());
}

void ExpositionWriter::sample(const Labels& labels, int64_t value) {
  line(suffix_of(kind_), labels.text(), fmt::format_int(value).c_str());
}

void ExpositionWriter::sample(const Labels& labels, double value) {
  line(suffix_of(kind_), labels.text(), fmt::format("{}", value));
}

// One walk over the log-linear buckets for all edges; the loop of count_at_most() per edge would
// walk them 36 times.
void ExpositionWriter::histogram(const Labels& labels, const HistogramValues& values) {
  const std::string_view comma = labels.text().empty() ? "" : ",";
  const auto bucket_line = [&](std::string_view edge, uint64_t count) {
    fmt::format_to(std::back_inserter(text_), "{}_bucket{{{}{}le=\"{}\"}} {}\n", name_,
                   labels.text(), comma, edge, count);
  };
  uint64_t count = 0;
  size_t bucket = 0;
  for (const uint64_t edge : kEdges) {
    while (bucket_floor(bucket) < edge) count += values.bucket(bucket++);
    bucket_line(fmt::format("{}", seconds(edge)), count);
  }
  bucket_line("+Inf", values.count());
  line("_sum", labels.text(), fmt::format("{}", seconds(values.sum_ns())));
  line("_count", labels.text(), fmt::format_int(values.count()).c_str());
}

std::string ExpositionWriter::finish() && {
  if (format_ == Exposition::openmetrics) text_ += "# EOF\n";
  return std::move(text_);
}

void write_metrics(const Snapshot& snapshot, ExpositionWriter& writer) {
  for_each_downstream_metric([&](const MetricRow& row, auto cells_of) {
    begin_family(row, "onehop_", writer);
    write_cells(row, cells_of(snapshot.downstream), Labels(), names_of_cells(row, snapshot),
                writer);
  });
  for_each_endpoint_metric([&](const MetricRow& row, auto cells_of) {
    begin_family(row, "onehop_", writer);
    for (const EndpointValues& endpoint : snapshot.endpoints) {
      write_cells(row, cells_of(endpoint), endpoint_labels(endpoint), names_of_cells(row, snapshot),
                  writer);
    }
  });
  write_histograms(snapshot, writer);
  write_tls(listeners_with_tls(snapshot), "onehop_downstream_", writer);
  write_tls(endpoints_with_tls(snapshot), "onehop_upstream_", writer);
}

}  // namespace onehop::telemetry
