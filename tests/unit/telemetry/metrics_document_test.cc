// SPDX-License-Identifier: MIT
// docs/metrics.md against the rows that declare the metrics. The tables between `<!-- rows of NAME
// -->` and `<!-- end -->` are made from the rows; with ONEHOP_REGENERATE=1 in the environment this
// test writes them anew.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "onehop/telemetry/exposition.h"
#include "tests/support/catch.h"
#include "tests/support/source_tree.h"

namespace onehop::telemetry {
namespace {

std::filesystem::path document_path() {
  return test::source_tree() / "docs/metrics.md";
}

std::string document() {
  std::ifstream stream(document_path(), std::ios::binary);
  REQUIRE(stream.good());
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

void check_table(const std::string& name, const std::string& rows) {
  std::string text = document();
  const std::string begin = "<!-- rows of " + name + " -->\n";
  const size_t at = text.find(begin);
  INFO("docs/metrics.md needs the line " << begin << "and below it <!-- end -->");
  REQUIRE(at != std::string::npos);
  const size_t first = at + begin.size();
  const size_t end = text.find("<!-- end -->", first);
  REQUIRE(end != std::string::npos);
  if (std::getenv("ONEHOP_REGENERATE") != nullptr) {
    text.replace(first, end - first, rows);
    std::ofstream(document_path(), std::ios::binary) << text;
    return;
  }
  INFO("ONEHOP_REGENERATE=1 in the environment writes the table anew");
  CHECK(text.substr(first, end - first) == rows);
}

const std::string kMetricHeader =
    "| Metric | Kind | Unit | Labels | Meaning |\n|---|---|---|---|---|\n";

std::string metric_row(const MetricRow& row, const std::string& common_labels,
                       const std::string& prefix = "onehop_") {
  const bool is_counter = row.kind == MetricKind::counter;
  const std::string name = prefix + std::string(row.name) + (is_counter ? "_total" : "");
  std::string labels = common_labels;
  if (row.label != "none") {
    labels += (labels.empty() ? "`" : ", `") + std::string(row.label) + "`";
    if (row.label == "outcome") labels += ", `class`";
  }
  const std::string unit = row.help.rfind("Bytes ", 0) == 0 ? "bytes" : "count";
  return "| `" + name + "` | " + (is_counter ? "counter" : "gauge") + " | " + unit + " | " +
         labels + " | " + std::string(row.help) + " |\n";
}

template <class Names, class Helps>
std::string label_rows(const Names& names, const Helps& helps) {
  std::string rows = "| Value | Meaning |\n|---|---|\n";
  for (size_t i = 0; i < names.size(); ++i) {
    rows += "| `" + std::string(names[i]) + "` | " + std::string(helps[i]) + " |\n";
  }
  return rows;
}

#define X(name, help) help,
constexpr std::array<std::string_view, kOpenReasonCount> kOpenReasonHelps = {
    ONEHOP_OPEN_REASONS(X)};
constexpr std::array<std::string_view, kCloserCount> kCloserHelps = {ONEHOP_CLOSERS(X)};
constexpr std::array<std::string_view, kH2FloodCount> kH2FloodHelps = {ONEHOP_H2_FLOODS(X)};
constexpr std::array<std::string_view, kProxyHeaderFaultCount> kProxyHeaderFaultHelps = {
    ONEHOP_PROXY_HEADER_FAULTS(X)};
constexpr std::array<std::string_view, kOutcomeClassCount> kOutcomeClassHelps = {
    ONEHOP_OUTCOME_CLASSES(X)};
constexpr std::array<std::string_view, kTlsFailureCount> kTlsFailureHelps = {
    ONEHOP_TLS_FAILURES(X)};
constexpr std::array<std::string_view, kClientLimitCount> kClientLimitHelps = {
    ONEHOP_CLIENT_LIMITS(X)};
#undef X

TEST_CASE("docs/metrics.md has a row for every metric of the client side") {
  std::string rows = kMetricHeader;
  for_each_downstream_metric([&](const MetricRow& row, auto) { rows += metric_row(row, ""); });
  check_table("downstream", rows);
}

TEST_CASE("docs/metrics.md has a row for every metric of an endpoint") {
  std::string rows = kMetricHeader;
  for_each_endpoint_metric([&](const MetricRow& row, auto) {
    rows += metric_row(row, shown_of_each(row) ? "`upstream`, `endpoint`" : "`upstream`");
  });
  check_table("endpoint", rows);
}

TEST_CASE("docs/metrics.md has a row for every metric of TLS, on both sides") {
  std::string rows = kMetricHeader;
  for_each_tls_metric([&](const MetricRow& row, auto) {
    rows += metric_row(row, "`listener`", "onehop_downstream_");
  });
  for_each_tls_metric([&](const MetricRow& row, auto) {
    rows += metric_row(row, "`upstream`", "onehop_upstream_");
  });
  check_table("tls", rows);
}

TEST_CASE("docs/metrics.md has a row for every metric of a rate limit") {
  std::string rows = kMetricHeader;
  for_each_rate_limit_metric(
      [&](const MetricRow& row, auto) { rows += metric_row(row, "`limit`"); });
  check_table("rate limit", rows);
}

TEST_CASE("docs/metrics.md explains every limit by which a client is refused at the accept") {
  check_table("client limit", label_rows(kClientLimitNames, kClientLimitHelps));
}

TEST_CASE("docs/metrics.md explains every reason for which a handshake fails") {
  check_table("tls failure", label_rows(kTlsFailureNames, kTlsFailureHelps));
}

TEST_CASE("docs/metrics.md explains every reason to open and every side that closes") {
  check_table("reason", label_rows(kOpenReasonNames, kOpenReasonHelps));
  check_table("by", label_rows(kCloserNames, kCloserHelps));
}

TEST_CASE("docs/metrics.md explains every reason to give a client of HTTP/2 up as a flood") {
  check_table("flood", label_rows(kH2FloodNames, kH2FloodHelps));
}

TEST_CASE("docs/metrics.md explains every reason to refuse a client for its PROXY header") {
  check_table("proxy header fault", label_rows(kProxyHeaderFaultNames, kProxyHeaderFaultHelps));
}

TEST_CASE("docs/metrics.md explains every class of outcomes") {
  check_table("outcome class", label_rows(kOutcomeClassNames, kOutcomeClassHelps));
}

TEST_CASE("docs/metrics.md says for every phase where its clock starts and stops") {
  const std::string text = document();
  const size_t begin = text.find("| Phase | Clock starts | Clock stops | Waiting or work |");
  REQUIRE(begin != std::string::npos);
  const std::string table = text.substr(begin, text.find("\n\n", begin) - begin);
  for (size_t i = 0; i < kExchangeHistogramCount; ++i) {
    INFO(exchange_histogram_name(i));
    CHECK(table.find("\n| `" + std::string(exchange_histogram_name(i)) + "` | ") !=
          std::string::npos);
  }
}

}  // namespace
}  // namespace onehop::telemetry
