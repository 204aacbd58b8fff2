// SPDX-License-Identifier: MIT
// The columns: 25 for the endpoint, 10 for requests, 8 for reuse, 9 for each of three percentiles,
// 9 for errors: 79. Colour is put around a field after it was padded, so that it does not count as
// width.
#include "onehop/admin/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "humane.h"
#include "onehop/proxy/outcome.h"

namespace onehop::admin {

namespace {

using Json = nlohmann::json;

constexpr size_t kWidth = 79;
constexpr size_t kEndpointWidth = 25;
constexpr size_t kWordWidth = 10;  // of the lines below the endpoints
constexpr std::string_view kBold = "1";
constexpr std::string_view kDim = "2";
constexpr std::string_view kRed = "31";

std::string inked(const TableStyle& style, std::string_view sequence, const std::string& text) {
  if (style.ink == Ink::plain) return text;
  return fmt::format("\x1b[{}m{}\x1b[0m", sequence, text);
}

// Walks down the keys; a null where one is missing. Never throws.
const Json& at(const Json& document, std::initializer_list<std::string_view> keys) {
  static const Json missing;
  const Json* place = &document;
  for (const std::string_view key : keys) {
    if (!place->is_object()) return missing;
    const auto found = place->find(std::string(key));
    if (found == place->end()) return missing;
    place = &*found;
  }
  return *place;
}

double number(const Json& document, std::initializer_list<std::string_view> keys) {
  const Json& value = at(document, keys);
  return value.is_number() ? value.get<double>() : 0;
}

uint64_t count(const Json& document, std::initializer_list<std::string_view> keys) {
  const Json& value = at(document, keys);
  return value.is_number_unsigned() ? value.get<uint64_t>() : 0;
}

std::string text(const Json& document, std::initializer_list<std::string_view> keys) {
  const Json& value = at(document, keys);
  return value.is_string() ? value.get<std::string>() : std::string();
}

// What is shown in place of control characters that a foreign document could smuggle into a
// terminal.
std::string printable(std::string name) {
  for (char& c : name) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return name;
}

// Keeps the end, where addresses differ.
std::string shortened(std::string name, size_t width) {
  if (name.size() <= width) return name;
  return "..." + name.substr(name.size() - (width - 3));
}

Result<Json, std::string> parse(std::string_view document) {
  Json parsed = Json::parse(document, nullptr, false);
  if (parsed.is_discarded()) return Unexpected<std::string>("the document is not JSON");
  if (!at(parsed, {"downstream"}).is_object() || !at(parsed, {"upstreams"}).is_object()) {
    return Unexpected<std::string>("the document is not one of /stats");
  }
  return parsed;
}

// The two documents between which requests are counted; without an earlier one, since start.
class Requests {
 public:
  Requests(const Json& now, const Json* before, double elapsed_seconds)
      : now_(now), before_(before), elapsed_seconds_(elapsed_seconds) {}

  bool is_rate() const { return before_ != nullptr; }
  std::string_view title() const { return is_rate() ? "REQ/S" : "REQUESTS"; }

  std::string shown(std::initializer_list<std::string_view> total) const {
    const uint64_t now = count(now_, total);
    if (!is_rate()) return count_text(now);
    const uint64_t before = std::min(count(*before_, total), now);
    return rate_text(static_cast<double>(now - before) / elapsed_seconds_);
  }

  // The word behind what shown() shows.
  std::string_view unit(std::initializer_list<std::string_view> total) const {
    if (is_rate()) return "req/s";
    return count(now_, total) == 1 ? "request" : "requests";
  }

 private:
  const Json& now_;
  const Json* before_;
  double elapsed_seconds_;
};

// Nothing for an outcome that this version does not know.
std::optional<proxy::OutcomeRow> outcome_row(std::string_view name) {
  for (size_t i = 0; i < proxy::outcome_names().size(); ++i) {
    const proxy::OutcomeRow& row = proxy::row_of(static_cast<proxy::Outcome>(i));
    if (row.name == name) return row;
  }
  return std::nullopt;
}

// Somebody's fault but the client's.
bool is_failed_attempt(const proxy::OutcomeRow& row) {
  return (row.side == proxy::Side::upstream || row.side == proxy::Side::local) && row.status >= 500;
}

// What the client got was an error of the proxy's own, or less than the endpoint's whole answer. A
// client that has left gets nothing.
bool is_failed_request(const proxy::OutcomeRow& row) {
  constexpr int kNobodyLeft = 499;
  return row.side != proxy::Side::none && row.status >= 400 && row.status != kNobodyLeft;
}

// Those of `requests` that ended with an outcome that `is_failed`, or with an unknown one: how
// many, by outcome, the most frequent first.
using Failures = std::vector<std::pair<uint64_t, std::string>>;
Failures failures(const Json& requests, bool (*is_failed)(const proxy::OutcomeRow&)) {
  Failures found;
  const Json& outcomes = at(requests, {"outcomes"});
  if (!outcomes.is_object()) return found;
  for (const auto& [name, number] : outcomes.items()) {
    const std::optional<proxy::OutcomeRow> row = outcome_row(name);
    const uint64_t times = count(outcomes, {name});
    if (times > 0 && (!row || is_failed(*row))) found.emplace_back(times, printable(name));
  }
  std::ranges::stable_sort(found, std::ranges::greater(), &Failures::value_type::first);
  return found;
}

uint64_t sum_of(const Failures& failures) {
  uint64_t sum = 0;
  for (const auto& [times, name] : failures) sum += times;
  return sum;
}

std::vector<std::string> texts_of(const Failures& failures) {
  std::vector<std::string> texts;
  for (const auto& [times, name] : failures)
    texts.push_back(fmt::format("{} {}", count_text(times), name));
  return texts;
}

// A list behind a word, in lines of the table's width.
std::string listed(std::string_view word, const std::vector<std::string>& items) {
  std::string text = fmt::format("{:<{}}", word, kWordWidth);
  size_t line_start = 0;
  for (size_t i = 0; i < items.size(); ++i) {
    const size_t comma = i + 1 < items.size() ? 1 : 0;
    if (i > 0 && text.size() - line_start + 1 + items[i].size() + comma > kWidth) {
      text += '\n';
      line_start = text.size();
      text.append(kWordWidth, ' ');
    } else if (i > 0) {
      text += ' ';
    }
    text += items[i];
    if (comma == 1) text += ',';
  }
  return text;
}

std::string header(const Requests& requests) {
  return fmt::format("{:<{}}{:>10}{:>8}{:>9}{:>9}{:>9}{:>9}", "ENDPOINT", kEndpointWidth,
                     requests.title(), "REUSE", "P50", "P95", "P99", "ERRORS");
}

std::string endpoint_line(std::string_view name, const Json& endpoint, const std::string& requests,
                          const TableStyle& style) {
  const Json& of_requests = at(endpoint, {"requests"});
  const uint64_t errors =
      count(of_requests, {"by_class", "5xx"}) + sum_of(failures(of_requests, is_failed_attempt));
  const Json& total = at(endpoint, {"phases", "total"});
  const auto percentile = [&](std::string_view key) {
    return count(total, {"count"}) == 0 ? "-" : duration_text(count(total, {key}));
  };
  const uint64_t uses = count(endpoint, {"connections", "opened_total"}) +
                        count(endpoint, {"connections", "reused_total"});
  // Rounded down: "100.0%" means that nothing was opened.
  const double reuse_percent =
      std::floor(1000 * number(endpoint, {"connections", "reuse_ratio"})) / 10;
  const std::string reuse = uses == 0 ? "-" : fmt::format("{:.1f}%", reuse_percent);
  const std::string errors_shown = fmt::format("{:>9}", count_text(errors));
  return fmt::format("{:<{}}{:>10}{:>8}{:>9}{:>9}{:>9}{}\n", name, kEndpointWidth, requests, reuse,
                     percentile("p50_us"), percentile("p95_us"), percentile("p99_us"),
                     errors == 0 ? errors_shown : inked(style, kRed, errors_shown));
}

std::string endpoint_lines(const Json& document, const Requests& requests,
                           const TableStyle& style) {
  const Json& upstreams = at(document, {"upstreams"});
  std::string lines;
  for (const auto& [upstream, endpoints] : upstreams.items()) {
    for (const auto& [address, endpoint] : at(endpoints, {"endpoints"}).items()) {
      const std::string name =
          printable(upstreams.size() == 1 ? address : upstream + "/" + address);
      lines += endpoint_line(
          shortened(name, kEndpointWidth), endpoint,
          requests.shown({"upstreams", upstream, "endpoints", address, "requests", "total"}),
          style);
    }
  }
  return lines;
}

std::string downstream_line(const Json& document, const Requests& requests) {
  const Json& connections = at(document, {"downstream", "connections"});
  return fmt::format("clients   {} accepted, {} open, {} new/s; {} {}",
                     count_text(count(connections, {"accepted_total"})),
                     count_text(count(connections, {"open"})),
                     rate_text(number(connections, {"rate_10s"})),
                     requests.shown({"downstream", "requests", "total"}),
                     requests.unit({"downstream", "requests", "total"}));
}

// Of the requests of the clients, since start; empty where none failed.
std::string failed_line(const Json& document) {
  const Failures failed = failures(at(document, {"downstream", "requests"}), is_failed_request);
  if (failed.empty()) return {};
  const uint64_t sum = sum_of(failed);
  return fmt::format("failed    {} {}, answered with an error by onehop or cut short\n{}",
                     count_text(sum), sum == 1 ? "request" : "requests",
                     listed("", texts_of(failed)));
}

// Of the attempts at each endpoint, since start; empty where none failed.
std::string errors_lines(const Json& document) {
  std::string lines;
  for (const auto& [upstream, endpoints] : at(document, {"upstreams"}).items()) {
    for (const auto& [address, endpoint] : at(endpoints, {"endpoints"}).items()) {
      std::vector<std::string> texts =
          texts_of(failures(at(endpoint, {"requests"}), is_failed_attempt));
      if (texts.empty()) continue;
      texts.front() =
          fmt::format("{}: {}", shortened(printable(address), kEndpointWidth), texts.front());
      lines += (lines.empty() ? "" : "\n") + listed(lines.empty() ? "errors" : "", texts);
    }
  }
  return lines;
}

std::string listeners_line(const Json& document) {
  std::vector<std::string> texts;
  for (const auto& [name, listener] : at(document, {"listeners"}).items()) {
    const std::string scheme = text(listener, {"scheme"});
    if (scheme.empty()) continue;
    texts.push_back(printable(fmt::format("{}://{}", scheme, text(listener, {"listens_on"}))));
  }
  return texts.empty() ? std::string() : listed("listening", texts);
}

// Empty where memory sufficed for everybody.
std::string memory_line(const Json& document) {
  const uint64_t given_up =
      count(document, {"downstream", "connections", "stalled_given_up_total"});
  if (given_up == 0) return {};
  return fmt::format("memory    {} {} given up: buffers held up to {} of {} allowed",
                     count_text(given_up), given_up == 1 ? "client" : "clients",
                     size_text(count(document, {"memory", "buffered_peak_bytes"})),
                     size_text(count(document, {"memory", "buffered_limit_bytes"})));
}

std::string pooling_line(const Json& document) {
  uint64_t avoided = 0;
  uint64_t saved_us = 0;
  for (const Json& upstream : at(document, {"upstreams"})) {
    for (const Json& endpoint : at(upstream, {"endpoints"})) {
      avoided += count(endpoint, {"connections", "setups_avoided_total"});
      saved_us += count(endpoint, {"connections", "setup_time_saved_us"});
    }
  }
  return fmt::format("pooling   set-ups avoided {}, about {} of connect time", count_text(avoided),
                     duration_text(saved_us));
}

std::string window_line(const Json& document) {
  const std::string window = printable(text(document, {"window"}));
  return fmt::format("latency   of whole exchanges{}; {} since start, {} ago",
                     window == "total" ? "" : " in the last " + window,
                     window == "total" ? "all" : "all else",
                     duration_text(count(document, {"uptime_us"})));
}

}  // namespace

Result<std::string, std::string> stats_table(const std::string& stats_json,
                                             const TableStyle& style) {
  const Result<Json, std::string> document = parse(stats_json);
  if (!document) return Unexpected<std::string>(document.error());
  std::optional<Json> previous;
  if (!style.previous_json.empty() && style.elapsed_seconds > 0) {
    Result<Json, std::string> parsed = parse(style.previous_json);
    if (!parsed) return Unexpected<std::string>("the earlier document: " + parsed.error());
    previous = std::move(*parsed);
  }
  const Requests requests(*document, previous ? &*previous : nullptr, style.elapsed_seconds);
  std::string table = inked(style, kBold, header(requests)) + "\n";
  table += endpoint_lines(*document, requests, style);
  for (const std::string& line :
       {listeners_line(*document), downstream_line(*document, requests), failed_line(*document),
        errors_lines(*document), memory_line(*document), pooling_line(*document),
        window_line(*document)}) {
    if (!line.empty()) table += inked(style, kDim, line) + "\n";
  }
  return table;
}

}  // namespace onehop::admin
