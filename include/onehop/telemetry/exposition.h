// SPDX-License-Identifier: MIT
// A snapshot as Prometheus reads it: text 0.0.4, OpenMetrics 1.0, or the protocol buffers of
// io.prometheus.client. What is written is one thing (write_metrics), how it is written another
// (ExpositionWriter).
//
// Histograms have few cumulative buckets, at round edges; protocol buffers carry a native histogram
// beside them, which has the resolution of the log-linear buckets (docs/metrics.md).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "onehop/telemetry/snapshot.h"

namespace onehop::telemetry {

enum class Exposition : uint8_t { prometheus, openmetrics, protobuf };

std::string_view content_type(Exposition format);

enum class FamilyKind : uint8_t { counter, gauge, histogram, info };

// The labels of a sample.
class Labels {
 public:
  Labels& add(std::string_view name, std::string_view value);

  // As text, without the braces: upstream="app",endpoint="127.0.0.1:9001".
  const std::string& text() const { return text_; }
  // As the label pairs of a Metric message.
  const std::string& wire() const { return wire_; }

 private:
  std::string text_;
  std::string wire_;
};

// A family: `name` has no suffix: _total, _info, _bucket, _sum and _count are added where they
// belong. `unit` is "" or what `name` ends with.
struct Family {
  FamilyKind kind;
  std::string name;
  std::string_view help;
  std::string_view unit = {};
};

// Writes family after family. Order: begin(), its samples, the next begin(), ..., finish() once.
class ExpositionWriter {
 public:
  virtual ~ExpositionWriter() = default;

  virtual void begin(const Family& family) = 0;

  // A sample of the family that was begun last, which is a counter, a gauge or an info (whose value
  // is always 1).
  virtual void sample(const Labels& labels, uint64_t value) = 0;
  virtual void sample(const Labels& labels, int64_t value) = 0;
  virtual void sample(const Labels& labels, double value) = 0;

  // All samples of one histogram, in seconds.
  virtual void histogram(const Labels& labels, const HistogramValues& values) = 0;

  virtual std::string finish() = 0;
};

// `created_unix_s`: since when everything is counted, where the format can say it.
std::unique_ptr<ExpositionWriter> make_writer(Exposition format, int64_t created_unix_s);

// How far the endpoints of an upstream are told apart. `upstream`: the rows of shown_of_each() are
// written for each endpoint, everything else for the upstream as a whole. `endpoint`: all of it for
// each endpoint.
enum class Detail : uint8_t { upstream, endpoint };

// Whether a row of ONEHOP_ENDPOINT_METRICS is written for each endpoint in any case: what tells a
// replica that is in trouble from its siblings. A hundred endpoints make a hundred series of each.
bool shown_of_each(const MetricRow& row);

// Every counter and gauge of the snapshot, from the start. Of the histograms those of whole
// exchanges, of a route's requests answered 2xx and 5xx and of a listener's handshakes from the
// start too, as alerts are made of them; any other once it has a record.
void write_metrics(const Snapshot& snapshot, Detail detail, ExpositionWriter& writer);

// The edges of the cumulative buckets. They are round, as objectives are, and cut log-linear
// buckets, which are at most 1/32 of their value wide: a record in a bucket that is cut counts as
// above the edge, so "at or below 0.25 s" is never said of anything longer.
struct Edge {
  uint64_t ns;
  std::string_view text;  // the value of the label `le`, in seconds
};
constexpr std::array kEdges = {
    Edge{100'000, "0.0001"},        Edge{500'000, "0.0005"},      Edge{1'000'000, "0.001"},
    Edge{2'500'000, "0.0025"},      Edge{5'000'000, "0.005"},     Edge{10'000'000, "0.01"},
    Edge{25'000'000, "0.025"},      Edge{50'000'000, "0.05"},     Edge{100'000'000, "0.1"},
    Edge{250'000'000, "0.25"},      Edge{500'000'000, "0.5"},     Edge{1'000'000'000, "1.0"},
    Edge{2'500'000'000, "2.5"},     Edge{10'000'000'000, "10.0"}, Edge{30'000'000'000, "30.0"},
    Edge{120'000'000'000, "120.0"},
};

// The records at or below each edge.
std::array<uint64_t, kEdges.size()> cumulative(const HistogramValues& values);

}  // namespace onehop::telemetry
