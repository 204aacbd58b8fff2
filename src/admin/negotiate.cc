// SPDX-License-Identifier: MIT
// The Accept field of RFC 9110 section 12.5.1, as far as two media types need it.
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
    if (equals_ignoring_case(name, "q")) {
      const auto parsed = std::from_chars(value.data(), value.data() + value.size(), range.quality);
      if (parsed.ec != std::errc() || !(range.quality >= 0)) range.quality = 0;
    }
  }
  return range;
}

}  // namespace

telemetry::Exposition negotiate(std::string_view accept) {
  double openmetrics = 0;
  std::optional<double> text;  // of the most specific range that covers text/plain
  int text_rank = 0;
  while (!accept.empty()) {
    const MediaRange range = parse_range(take(accept, ','));
    if (equals_ignoring_case(range.type, "application/openmetrics-text") &&
        (range.version.empty() || range.version == "1.0.0")) {
      openmetrics = std::max(openmetrics, range.quality);
    }
    const int rank = equals_ignoring_case(range.type, "text/plain") ? 3
                     : equals_ignoring_case(range.type, "text/*")   ? 2
                     : equals_ignoring_case(range.type, "*/*")      ? 1
                                                                    : 0;
    if (rank == 0 || rank < text_rank) continue;
    text = rank == text_rank ? std::max(text.value_or(0), range.quality) : range.quality;
    text_rank = rank;
  }
  const bool wins = openmetrics > 0 && openmetrics >= text.value_or(0);
  return wins ? telemetry::Exposition::openmetrics : telemetry::Exposition::prometheus;
}

}  // namespace onehop::admin
