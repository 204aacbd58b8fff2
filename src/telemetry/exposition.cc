// SPDX-License-Identifier: MIT
#include "onehop/telemetry/exposition.h"

#include "writers.h"

namespace onehop::telemetry {

std::string_view content_type(Exposition format) {
  switch (format) {
    case Exposition::prometheus:
      return "text/plain; version=0.0.4; charset=utf-8";
    case Exposition::openmetrics:
      return "application/openmetrics-text; version=1.0.0; charset=utf-8";
    case Exposition::protobuf:
      return "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "
             "encoding=delimited";
  }
  return {};
}

std::unique_ptr<ExpositionWriter> make_writer(Exposition format, int64_t created_unix_s) {
  if (format == Exposition::protobuf) return make_protobuf_writer(created_unix_s);
  return make_text_writer(format);
}

Labels& Labels::add(std::string_view name, std::string_view value) {
  add_text(name, value, text_);
  add_wire(name, value, wire_);
  return *this;
}

// One walk over the log-linear buckets for all edges.
std::array<uint64_t, kEdges.size()> cumulative(const HistogramValues& values) {
  std::array<uint64_t, kEdges.size()> counts{};
  uint64_t count = 0;
  size_t bucket = 0;
  for (size_t i = 0; i < kEdges.size(); ++i) {
    while (bucket_floor(bucket + 1) <= kEdges[i].ns) count += values.bucket(bucket++);
    counts[i] = count;
  }
  return counts;
}

}  // namespace onehop::telemetry
