// SPDX-License-Identifier: MIT
// The outcome table: its rows make sense together, every failure has a row, and docs/outcomes.md
// says the same.
#include "onehop/proxy/outcome.h"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/source_tree.h"

namespace onehop::proxy {
namespace {

using http::Violation;

std::vector<Outcome> all_outcomes() {
  std::vector<Outcome> outcomes;
  for (size_t i = 0; i < outcome_names().size(); ++i) outcomes.push_back(static_cast<Outcome>(i));
  return outcomes;
}

TEST_CASE("each outcome has a name of its own, the one it is declared with") {
  std::set<std::string_view> names;
  for (const Outcome outcome : all_outcomes()) {
    CHECK(row_of(outcome).name == outcome_names()[static_cast<size_t>(outcome)].name);
    names.insert(row_of(outcome).name);
  }
  CHECK(names.size() == outcome_names().size());
  CHECK(row_of(Outcome::ok).name == "ok");
  CHECK(row_of(Outcome::stopped).name == "stopped");
}

TEST_CASE("an outcome's status says whose fault it is") {
  for (const Outcome outcome : all_outcomes()) {
    const OutcomeRow& row = row_of(outcome);
    INFO(row.name);
    CHECK_FALSE(row.sentence.empty());
    if (outcome == Outcome::ok || outcome == Outcome::answered_here ||
        outcome == Outcome::redirected) {
      CHECK(row.status < 400);
      CHECK(row.error.empty());
      continue;
    }
    CHECK_FALSE(row.error.empty());
    const bool server_side = outcome == Outcome::method_unknown ||
                             outcome == Outcome::coding_unknown ||
                             outcome == Outcome::version_unknown || row.side != Side::downstream;
    CHECK(row.status >= (server_side ? 500 : 400));
    CHECK(row.status <= (server_side ? 508 : 499));
  }
}

TEST_CASE("a request is sent again only where the endpoint cannot have acted on it, or may twice") {
  const std::set<Outcome> elsewhere = {Outcome::connect_refused, Outcome::connect_failed,
                                       Outcome::connect_timeout, Outcome::tls_failed,
                                       Outcome::queue_full,      Outcome::local_fault,
                                       Outcome::endpoint_left,   Outcome::connect_slow};
  const std::set<Outcome> once = {Outcome::upstream_closed, Outcome::endpoint_drain_timeout};
  for (const Outcome outcome : all_outcomes()) {
    INFO(row_of(outcome).name);
    const Again wanted = outcome == Outcome::upstream_closed_idle ? Again::if_reused
                         : outcome == Outcome::proven_unseen      ? Again::if_proven
                         : once.count(outcome) == 1               ? Again::once_elsewhere
                         : outcome == Outcome::upstream_refused   ? Again::unseen
                         : elsewhere.count(outcome) == 1          ? Again::elsewhere
                                                                  : Again::never;
    CHECK(row_of(outcome).again == wanted);
  }
}

struct ViolationCase {
  Violation violation;
  Outcome request;
  Outcome response;
};

constexpr ViolationCase kCases[] = {
    {Violation::bad_start_line, Outcome::bad_request, Outcome::upstream_bad_response},
    {Violation::bad_method, Outcome::method_unknown, Outcome::upstream_bad_response},
    {Violation::bad_target, Outcome::bad_request, Outcome::upstream_bad_response},
    {Violation::bad_version, Outcome::version_unknown, Outcome::upstream_bad_response},
    {Violation::bad_line_end, Outcome::bad_request, Outcome::upstream_bad_response},
    {Violation::bad_field, Outcome::bad_request, Outcome::upstream_bad_response},
    {Violation::too_many_options, Outcome::bad_request, Outcome::upstream_bad_response},
    {Violation::bad_host, Outcome::bad_request, Outcome::upstream_bad_response},
    {Violation::bad_content_length, Outcome::bad_request, Outcome::upstream_bad_response},
    {Violation::bad_transfer_encoding, Outcome::bad_request, Outcome::upstream_bad_response},
    {Violation::length_and_encoding, Outcome::bad_request, Outcome::upstream_bad_response},
    {Violation::bad_chunk, Outcome::bad_request, Outcome::upstream_bad_response},
    {Violation::bad_trailer, Outcome::bad_request, Outcome::upstream_bad_response},
    {Violation::unknown_transfer_coding, Outcome::coding_unknown, Outcome::upstream_bad_response},
    {Violation::too_many_interim, Outcome::bad_request, Outcome::upstream_bad_response},
    {Violation::bad_switch, Outcome::bad_request, Outcome::upstream_bad_response},
    {Violation::bad_websocket_accept, Outcome::bad_request, Outcome::upstream_bad_response},
    {Violation::start_line_too_long, Outcome::target_too_long, Outcome::upstream_bad_response},
    {Violation::head_too_large, Outcome::head_too_large, Outcome::upstream_head_too_large},
    {Violation::too_many_fields, Outcome::head_too_large, Outcome::upstream_head_too_large},
    {Violation::head_timeout, Outcome::request_head_timeout, Outcome::upstream_bad_response},
    {Violation::incomplete, Outcome::request_incomplete, Outcome::upstream_incomplete},
    {Violation::write_timeout, Outcome::client_stalled, Outcome::upstream_bad_response},
    {Violation::protocol_error, Outcome::bad_request, Outcome::upstream_bad_response},
    {Violation::surplus, Outcome::bad_request, Outcome::upstream_bad_response},
    {Violation::stopped, Outcome::stopped, Outcome::endpoint_drain_timeout},
    {Violation::not_taken, Outcome::client_shed, Outcome::upstream_bad_response},
    {Violation::half_closed, Outcome::client_half_closed, Outcome::upstream_bad_response},
    {Violation::gone, Outcome::client_gone, Outcome::upstream_closed},
};

TEST_CASE("every violation ends an exchange in one way for each side") {
  CHECK(std::size(kCases) == std::size(http::kViolations));
  for (const ViolationCase& row : kCases) {
    INFO(http::row_of(row.violation).name);
    CHECK(outcome_of_request(row.violation) == row.request);
    CHECK(outcome_of_response(row.violation, false) == row.response);
    const bool gone = row.violation == Violation::gone;
    CHECK(outcome_of_response(row.violation, true) ==
          (gone ? Outcome::upstream_closed_idle : row.response));
    const bool stopped = row.violation == Violation::stopped;
    CHECK(row_of(row.request).side == (stopped ? Side::local : Side::downstream));
    CHECK(row_of(row.response).side == (stopped ? Side::local : Side::upstream));
  }
}

TEST_CASE("violations of a client have the status that HTTP gives them") {
  CHECK(row_of(outcome_of_request(Violation::bad_field)).status == 400);
  CHECK(row_of(outcome_of_request(Violation::head_timeout)).status == 408);
  CHECK(row_of(outcome_of_request(Violation::start_line_too_long)).status == 414);
  CHECK(row_of(outcome_of_request(Violation::too_many_fields)).status == 431);
  CHECK(row_of(outcome_of_request(Violation::bad_method)).status == 501);
  CHECK(row_of(outcome_of_request(Violation::bad_version)).status == 505);
  for (const ViolationCase& row : kCases)
    CHECK(row_of(row.response).status == (row.violation == Violation::stopped ? 504 : 502));
}

TEST_CASE("a lease that was not to be had says why") {
  using upstream::NoLease;
  struct Row {
    NoLease why;
    int number;
    Outcome wanted;
  };
  const Row rows[] = {{NoLease::connect_failed, ECONNREFUSED, Outcome::connect_refused},
                      {NoLease::connect_failed, EHOSTUNREACH, Outcome::connect_failed},
                      {NoLease::connect_timeout, ETIMEDOUT, Outcome::connect_timeout},
                      {NoLease::local_fault, EMFILE, Outcome::local_fault},
                      {NoLease::queue_full, 0, Outcome::queue_full},
                      {NoLease::queue_timeout, 0, Outcome::queue_timeout}};
  for (const Row& row : rows) {
    INFO(row_of(row.wanted).name);
    CHECK(outcome_of(upstream::LeaseError{row.why, net::NetError{row.number}}) == row.wanted);
  }
}

std::string side_text(Side side) {
  switch (side) {
    case Side::none:
      return "nobody";
    case Side::downstream:
      return "client";
    case Side::upstream:
      return "endpoint";
    case Side::local:
      return "onehop";
  }
  return "";
}

std::string again_text(Again again) {
  switch (again) {
    case Again::never:
      return "no";
    case Again::elsewhere:
      return "another endpoint";
    case Again::if_reused:
      return "idempotent, once";
    case Again::if_proven:
      return "any, once, with `retry_unseen`";
    case Again::once_elsewhere:
      return "idempotent, once, another endpoint";
    case Again::unseen:
      return "any";
  }
  return "";
}

TEST_CASE("docs/outcomes.md has a row for every outcome") {
  const auto path = test::source_tree() / "docs/outcomes.md";
  std::ifstream stream(path, std::ios::binary);
  REQUIRE(stream.good());
  std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  std::string rows =
      "| Outcome | Whose | Status | Proxy-Status error | Tried again | Meaning |\n"
      "|---|---|---|---|---|---|\n";
  for (const Outcome outcome : all_outcomes()) {
    const OutcomeRow& row = row_of(outcome);
    const std::string status = row.status == 0 ? "" : std::to_string(row.status);
    const std::string error = row.error.empty() ? "" : "`" + std::string(row.error) + "`";
    rows += "| `" + std::string(row.name) + "` | " + side_text(row.side) + " | " + status + " | " +
            error + " | " + again_text(row.again) + " | " + std::string(row.sentence) + " |\n";
  }
  const std::string begin = "<!-- rows of outcomes -->\n";
  const size_t at = text.find(begin);
  REQUIRE(at != std::string::npos);
  const size_t first = at + begin.size();
  const size_t end = text.find("<!-- end -->", first);
  REQUIRE(end != std::string::npos);
  if (std::getenv("ONEHOP_REGENERATE") != nullptr) {
    text.replace(first, end - first, rows);
    std::ofstream(path, std::ios::binary) << text;
    return;
  }
  INFO("ONEHOP_REGENERATE=1 in the environment writes the table anew");
  CHECK(text.substr(first, end - first) == rows);
}

TEST_CASE(
    "an outcome's class says whose doing it is, and no answer that was asked for is an error") {
  using telemetry::OutcomeClass;
  const auto class_of = [](Outcome outcome) {
    return outcome_names()[static_cast<size_t>(outcome)].of;
  };
  for (const Outcome fine : {Outcome::ok, Outcome::answered_here, Outcome::redirected})
    CHECK(class_of(fine) == OutcomeClass::ok);
  for (const Outcome client : {Outcome::bad_request, Outcome::no_route, Outcome::client_gone})
    CHECK(class_of(client) == OutcomeClass::client);
  for (const Outcome upstream :
       {Outcome::connect_refused, Outcome::upstream_incomplete, Outcome::response_head_timeout})
    CHECK(class_of(upstream) == OutcomeClass::upstream);
  for (const Outcome own : {Outcome::queue_full, Outcome::local_fault, Outcome::stopped})
    CHECK(class_of(own) == OutcomeClass::onehop);
}

}  // namespace
}  // namespace onehop::proxy
