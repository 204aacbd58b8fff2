// SPDX-License-Identifier: MIT
// A snapshot as Prometheus text 0.0.4 or OpenMetrics 1.0. The families come from the rows of
// shard.h and tls.h: a row is a family, its help is the HELP line, and all samples of a family
// stand together, as both formats demand.
//
// Histograms are written with cumulative buckets at edges that are also edges of the log-linear
// buckets, so each cumulative count is exact and not interpolated. `le` means "at or below", our
// buckets end just below their edge: a duration that is an edge to the nanosecond is counted in the
// next bucket. A reading of n ns stands for the time from n to n + 1 ns, so only a duration that
// was exactly the edge, to all digits, would be counted otherwise.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "onehop/telemetry/snapshot.h"

namespace onehop::telemetry {

enum class Exposition : uint8_t { prometheus, openmetrics };

std::string_view content_type(Exposition format);

enum class FamilyKind : uint8_t { counter, gauge, histogram, info };

// The labels of a sample, without the braces: upstream="app",endpoint="127.0.0.1:9001".
class Labels {
 public:
  Labels& add(std::string_view name, std::string_view value);  // escapes the value
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// Writes family after family. Order: family(), its samples, the next family(), ..., finish() once.
class ExpositionWriter {
 public:
  explicit ExpositionWriter(Exposition format) : format_(format) {}

  // `name` has no suffix: _total, _info, _bucket, _sum and _count are added where they belong.
  // `unit` is "" or what `name` ends with.
  void family(FamilyKind kind, std::string_view name, std::string_view help,
              std::string_view unit = "");

  // A sample of the family that was begun last, which is a counter, a gauge or an info (whose value
  // is always 1).
  void sample(const Labels& labels, uint64_t value);
  void sample(const Labels& labels, int64_t value);
  void sample(const Labels& labels, double value);

  // All samples of one histogram, in seconds.
  void histogram(const Labels& labels, const HistogramValues& values);

  std::string finish() &&;

 private:
  void line(std::string_view suffix, std::string_view labels, std::string_view value);

  Exposition format_;
  FamilyKind kind_ = FamilyKind::gauge;
  std::string name_;
  std::string text_;
};

// Every counter, gauge and histogram of the snapshot. Of the outcome rows only the outcomes that
// occurred, of all others every cell.
void write_metrics(const Snapshot& snapshot, ExpositionWriter& writer);

// The `le` edges in nanoseconds: every power of two from 8 us to 34 s, and half way between them
// from 131 us to 1.07 s.
constexpr size_t kFirstEdgeExponent = 13;
constexpr size_t kLastEdgeExponent = 35;
constexpr size_t kFirstHalfStep = 17;
constexpr size_t kLastHalfStep = 29;
constexpr size_t kEdgeCount =
    (kLastEdgeExponent - kFirstEdgeExponent + 1) + (kLastHalfStep - kFirstHalfStep + 1);
constexpr std::array<uint64_t, kEdgeCount> bucket_edges() {
  std::array<uint64_t, kEdgeCount> edges{};
  size_t count = 0;
  for (size_t e = kFirstEdgeExponent; e <= kLastEdgeExponent; ++e) {
    edges[count++] = uint64_t{1} << e;
    if (e >= kFirstHalfStep && e <= kLastHalfStep) edges[count++] = uint64_t{3} << (e - 1);
  }
  return edges;
}

}  // namespace onehop::telemetry
