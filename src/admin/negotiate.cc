// SPDX-License-Identifier: MIT
// The fields Accept and Accept-Encoding of RFC 9110 12.5, as far as three media types and one
// coding need them.
#include <algorithm>
#include <charconv>
#include <optional>

#include "documents.h"
#include "onehop/base/ascii.h"

namespace onehop::admin {

namespace {

// Takes the part before `separator` off `rest`.
std::string_view take(std::string_view& rest, char separator) {
  const size_t end = rest.find(separator);
  const std::string_view part = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  return trim_blanks(part);
}

struct MediaRange {
  std::string_view type;
  std::string_view version;
  std::string_view proto;
  std::string_view encoding;
  double quality = 1;
};

std::string_view unquoted(std::string_view text) {
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return text;
  return text.substr(1, text.size() - 2);
}

MediaRange parse_range(std::string_view text) {
  MediaRange range;
  range.type = take(text, ';');
  while (!text.empty()) {
    std::string_view value = take(text, ';');
    const std::string_view name = take(value, '=');
    if (equals_ignoring_case(name, "version")) range.version = unquoted(value);
    if (equals_ignoring_case(name, "proto")) range.proto = unquoted(value);
    if (equals_ignoring_case(name, "encoding")) range.encoding = unquoted(value);
    if (equals_ignoring_case(name, "q")) {
      const auto parsed = std::from_chars(value.data(), value.data() + value.size(), range.quality);
      if (parsed.ec != std::errc() || !(range.quality >= 0)) range.quality = 0;
    }
  }
  return range;
}

bool is_openmetrics(const MediaRange& range) {
  return equals_ignoring_case(range.type, "application/openmetrics-text") &&
         (range.version.empty() || range.version == "1.0.0");
}

bool is_protobuf(const MediaRange& range) {
  return equals_ignoring_case(range.type, "application/vnd.google.protobuf") &&
         range.proto == "io.prometheus.client.MetricFamily" && range.encoding == "delimited";
}

// How closely a range says text/plain; 0: not at all.
int text_rank_of(const MediaRange& range) {
  if (equals_ignoring_case(range.type, "text/plain")) return 3;
  if (equals_ignoring_case(range.type, "text/*")) return 2;
  return equals_ignoring_case(range.type, "*/*") ? 1 : 0;
}

}  // namespace

telemetry::Exposition negotiate(std::string_view accept) {
  double protobuf = 0;
  double openmetrics = 0;
  std::optional<double> text;  // of the most specific range that covers text/plain
  int text_rank = 0;
  while (!accept.empty()) {
    const MediaRange range = parse_range(take(accept, ','));
    if (is_protobuf(range)) protobuf = std::max(protobuf, range.quality);
    if (is_openmetrics(range)) openmetrics = std::max(openmetrics, range.quality);
    const int rank = text_rank_of(range);
    if (rank == 0 || rank < text_rank) continue;
    text = rank == text_rank ? std::max(text.value_or(0), range.quality) : range.quality;
    text_rank = rank;
  }
  if (protobuf > 0 && protobuf >= std::max(openmetrics, text.value_or(0)))
    return telemetry::Exposition::protobuf;
  const bool wins = openmetrics > 0 && openmetrics >= text.value_or(0);
  return wins ? telemetry::Exposition::openmetrics : telemetry::Exposition::prometheus;
}

bool accepts_gzip(std::string_view accept_encoding) {
  std::optional<double> named;
  double any = 0;
  while (!accept_encoding.empty()) {
    const MediaRange range = parse_range(take(accept_encoding, ','));
    if (equals_ignoring_case(range.type, "gzip") || equals_ignoring_case(range.type, "x-gzip"))
      named = range.quality;
    if (range.type == "*") any = range.quality;
  }
  return named.value_or(any) > 0;
}

}  // namespace onehop::admin
