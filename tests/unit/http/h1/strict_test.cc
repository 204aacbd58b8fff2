// SPDX-License-Identifier: MIT
// A row per rule of strict.h: edge cases 46 to 58 of docs/edge-cases.md.
#include "http/h1/strict.h"

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/catch.h"

namespace onehop::http::h1 {
namespace {

using namespace std::string_view_literals;

// "" when the result is good, else the violation's name.
template <class T>
std::string fault_of(const Result<T, Violation>& result) {
  return result.has_value() ? std::string() : std::string(row_of(result.error()).name);
}

std::string seen_in(std::string_view head) {
  const HeadBytes seen = look_at(head);
  std::string text;
  if (seen.bare_line_end) text += "bare ";
  if (seen.control) text += "control ";
  if (seen.folded) text += "folded ";
  if (seen.blank_before_colon) text += "blank ";
  if (seen.nameless) text += "nameless ";
  return text;
}

TEST_CASE("one look at a head sees every byte that makes it doubtful") {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {""sv, ""},
      {"\r\n\r\n"sv, ""},
      {"GET / HTTP/1.1\r\nHost: a\r\n\r\n"sv, ""},
      {"GET / HTTP/1.1\r\nA: \tb c\x80\xff\r\n\r\n"sv, ""},
      {"GET / HTTP/1.1\nHost: a\r\n\r\n"sv, "bare "},
      {"GET / HTTP/1.1\r\nHost: a\n\r\n"sv, "bare "},
      {"GET / HTTP/1.1\r\nHost: a\r\n\n"sv, "bare "},
      {"\nGET / HTTP/1.1\r\n\r\n"sv, "bare "},
      {"GET / HTTP/1.1\rHost: a\r\n\r\n"sv, "bare "},
      {"GET / HTTP/1.1\r\nA: b\rc\r\n\r\n"sv, "bare "},
      {"GET / HTTP/1.1\r\nA: b\r\r\n\r\n"sv, "bare "},
      {"GET / HTTP/1.1\r\nA: b\0c\r\n\r\n"sv, "control "},
      {"\0GET / HTTP/1.1\r\n\r\n"sv, "control "},
      {"GET / HTTP/1.1\r\nA: \x0b"sv, ""},  // the last byte of a head is a line feed
      {"GET / HTTP/1.1\r\nA: \x0b\r\n\r\n"sv, "control "},
      {"GET / HTTP/1.1\r\nA: \x7f\r\n\r\n"sv, "control "},
      {"GET / HTTP/1.1\r\nA: \x1f\r\n\r\n"sv, "control "},
      {"GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n"sv, "folded "},
      {"GET / HTTP/1.1\r\nA: b\r\n\tc\r\n\r\n"sv, "folded "},
      {"GET / HTTP/1.1\r\n Host: a\r\n\r\n"sv, "folded "},
      {"GET / HTTP/1.1\r\nHost : a\r\n\r\n"sv, "blank "},
      {"GET / HTTP/1.1\r\nHost\t: a\r\n\r\n"sv, "blank "},
      {"GET / HTTP/1.1\r\nA: b :c\r\n\r\n"sv, "blank "},
      {"GET / HTTP/1.1\r\n: a\r\n\r\n"sv, "nameless "},
      {"GET / HTTP/1.1\r\n :a\nb\x01\r\n:\r\n\r\n"sv, "bare control folded blank nameless "},
  };
  for (const auto& [head, wanted] : rows) {
    INFO(head);
    CHECK(seen_in(head) == wanted);
  }
}

TEST_CASE("a doubtful byte is seen at any place in a head") {
  const std::string plain = "GET / HTTP/1.1\r\nHost: example.org\r\nAccept: text/plain\r\n\r\n";
  REQUIRE(seen_in(plain).empty());
  for (size_t i = 0; i + 1 < plain.size(); ++i) {
    INFO("offset " << i);
    std::string changed = plain;
    changed[i] = '\0';
    CHECK(look_at(changed).control);
    if (plain[i] == '\r' || plain[i] == '\n') continue;
    changed[i] = '\r';
    CHECK(look_at(changed).bare_line_end);
    changed[i] = '\n';
    CHECK(look_at(changed).bare_line_end);
  }
}

TEST_CASE("a request line has three parts with one space between them") {
  struct Row {
    std::string_view line;
    std::string_view fault;
  };
  const Row rows[] = {
      {"GET / HTTP/1.1"sv, ""},
      {"M-SEARCH * HTTP/1.0"sv, ""},
      {"get /a?b=c HTTP/1.1"sv, ""},
      {""sv, "bad_start_line"},
      {"GET"sv, "bad_start_line"},
      {"GET /"sv, "bad_start_line"},  // HTTP/0.9
      {"GET /\r\n"sv, "bad_start_line"},
      {" GET / HTTP/1.1"sv, "bad_start_line"},
      {"GET  / HTTP/1.1"sv, "bad_start_line"},
      {"GET /  HTTP/1.1"sv, "bad_start_line"},
      {"GET / HTTP/1.1 "sv, "bad_start_line"},
      {"GET\t/ HTTP/1.1"sv, "bad_start_line"},
      {"GET /\tHTTP/1.1"sv, "bad_start_line"},
      {"GET /a\tb HTTP/1.1"sv, "bad_start_line"},
      {"GET /a b HTTP/1.1"sv, "bad_start_line"},
      {"GET  HTTP/1.1"sv, "bad_start_line"},
      {"G(T / HTTP/1.1"sv, "bad_start_line"},
      {"G\x80T / HTTP/1.1"sv, "bad_start_line"},
      {"GET / http/1.1"sv, "bad_start_line"},
      {"GET / HTTP/1.10"sv, "bad_start_line"},
      {"GET / HTTP/11"sv, "bad_start_line"},
      {"GET / HTTP/1,1"sv, "bad_start_line"},
      {"GET / HTTP/x.1"sv, "bad_start_line"},
      {"GET / HTTP/1.2"sv, ""},
      {"GET / HTTP/1.9"sv, ""},
      {"GET / HTTP/2.0"sv, "bad_version"},
      {"GET / HTTP/0.9"sv, "bad_version"},
  };
  for (const Row& row : rows) {
    INFO(row.line);
    CHECK(fault_of(split_request_line(row.line)) == row.fault);
  }
  const auto parts = split_request_line("OPTIONS /a/b?c=d HTTP/1.0");
  REQUIRE(parts.has_value());
  CHECK(parts->method == "OPTIONS");
  CHECK(parts->target == "/a/b?c=d");
  CHECK(parts->version_minor == 0);
  CHECK(split_request_line("GET / HTTP/1.1")->version_minor == 1);
  CHECK(split_request_line("GET / HTTP/1.9")->version_minor == 1);
}

TEST_CASE("a status line has a version, three digits and perhaps a reason") {
  struct Row {
    std::string_view line;
    std::string_view fault;
    int status = 0;
    std::string_view reason = {};
  };
  const Row rows[] = {
      {"HTTP/1.1 200 OK"sv, "", 200, "OK"},
      {"HTTP/1.0 404 Not Found"sv, "", 404, "Not Found"},
      {"HTTP/1.1 200 "sv, "", 200, ""},
      {"HTTP/1.1 200"sv, "", 200, ""},
      {"HTTP/1.1 599 \xe9t\xe9"sv, "", 599, "\xe9t\xe9"},
      {"HTTP/1.1 100 Continue"sv, "", 100, "Continue"},
      {""sv, "bad_start_line"},
      {"HTTP/1.1"sv, "bad_start_line"},
      {"HTTP/1.1 20"sv, "bad_start_line"},
      {"HTTP/1.1  200 OK"sv, "bad_start_line"},
      {"HTTP/1.1\t200 OK"sv, "bad_start_line"},
      {"HTTP/1.1 2000 OK"sv, "bad_start_line"},
      {"HTTP/1.1 200OK"sv, "bad_start_line"},
      {"HTTP/1.1 2x0 OK"sv, "bad_start_line"},
      {"HTTP/1.1 +20 OK"sv, "bad_start_line"},
      {"HTTP/1.1 099 Low"sv, "bad_start_line"},
      {"HTTP/1.1 600 High"sv, "", 600, "High"},
      {"HTTP/1.1 999 High"sv, "", 999, "High"},
      {"HTTP/1.1 1000 High"sv, "bad_start_line"},
      {" HTTP/1.1 200 OK"sv, "bad_start_line"},
      {"ICY 200 OK"sv, "bad_start_line"},
      {"http/1.1 200 OK"sv, "bad_start_line"},
      {"HTTP/2.0 200 OK"sv, "bad_version"},
      {"HTTP/1.2 200 OK"sv, "", 200, "OK"},
  };
  for (const Row& row : rows) {
    INFO(row.line);
    const auto parts = split_status_line(row.line);
    CHECK(fault_of(parts) == row.fault);
    if (!parts.has_value()) continue;
    CHECK(parts->status == row.status);
    CHECK(parts->reason == row.reason);
    CHECK(parts->version_minor == (row.line[7] == '0' ? 0 : 1));
  }
}

TEST_CASE("a fold becomes one space, together with the blanks around it") {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"HTTP/1.1 200 OK\r\nA: b\r\n\r\n", "HTTP/1.1 200 OK\r\nA: b\r\n\r\n"},
      {"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", "HTTP/1.1 200 OK\r\nA: b c\r\n\r\n"},
      {"HTTP/1.1 200 OK\r\nA: b \t\r\n\t c\r\n\r\n", "HTTP/1.1 200 OK\r\nA: b c\r\n\r\n"},
      {"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n d\r\n\r\n", "HTTP/1.1 200 OK\r\nA: b c d\r\n\r\n"},
      {"HTTP/1.1 200 OK\r\nA:\r\n b\r\nC: d\r\n\r\n", "HTTP/1.1 200 OK\r\nA: b\r\nC: d\r\n\r\n"},
      {"HTTP/1.1 200 OK\r\nA: b\r\n \r\n\r\n", "HTTP/1.1 200 OK\r\nA: b \r\n\r\n"},
  };
  for (const auto& [before, after] : rows) {
    INFO(before);
    std::string head(before);
    const std::span<char> unfolded = unfold(head);
    CHECK(std::string(unfolded.data(), unfolded.size()) == after);
  }
}

TEST_CASE("blanks before a colon go behind it, in names and not in values") {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"HTTP/1.1 200 OK\r\nA : b\r\n\r\n", "HTTP/1.1 200 OK\r\nA:  b\r\n\r\n"},
      {"HTTP/1.1 200 OK\r\nA   :b\r\n\r\n", "HTTP/1.1 200 OK\r\nA:   b\r\n\r\n"},
      {"HTTP/1.1 200 OK\r\nA\t:b\r\n\r\n", "HTTP/1.1 200 OK\r\nA:\tb\r\n\r\n"},
      {"HTTP/1.1 200 OK\r\nA: b :c\r\n\r\n", "HTTP/1.1 200 OK\r\nA: b :c\r\n\r\n"},
      {"HTTP/1.1 200 a :b\r\nA: b\r\n\r\n", "HTTP/1.1 200 a :b\r\nA: b\r\n\r\n"},
      {"HTTP/1.1 200 OK\r\nA :b\r\nC :d\r\n\r\n", "HTTP/1.1 200 OK\r\nA: b\r\nC: d\r\n\r\n"},
  };
  for (const auto& [before, after] : rows) {
    INFO(before);
    std::string head(before);
    move_blanks_behind_colon(head);
    CHECK(head == after);
  }
}

}  // namespace
}  // namespace onehop::http::h1
