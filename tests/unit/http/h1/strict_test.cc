// SPDX-License-Identifier: MIT
// A row per rule of strict.h: edge cases 42 to 65 of the design.
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

using Lines = std::vector<std::pair<std::string_view, std::string_view>>;

// Fields that own their room.
class FieldTable {
 public:
  explicit FieldTable(const Lines& lines) : room_(lines.size()), fields_(room_) {
    for (const auto& [name, value] : lines) fields_.add(name, value);
  }
  const Fields& operator*() const { return fields_; }

 private:
  std::vector<Field> room_;
  Fields fields_;
};

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

TEST_CASE("a forbidden character is seen at any place in a target of any length") {
  for (size_t size = 1; size < 100; ++size) {
    const std::string plain = "/" + std::string(size - 1, 'a');
    REQUIRE_FALSE(has_forbidden_character(plain, config::Targets::strict));
    for (size_t i = 0; i < size; ++i) {
      for (const char c : {' ', '\x7f', '#', '\\', '\x80'}) {
        std::string changed = plain;
        changed[i] = c;
        CAPTURE(changed);
        REQUIRE(has_forbidden_character(changed, config::Targets::strict));
      }
    }
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

TEST_CASE("an authority is a host and perhaps a port, and nothing else") {
  for (const std::string_view good :
       {"a"sv, "example.org"sv, "EXAMPLE.org:80"sv, "example.org:"sv, "127.0.0.1:8080"sv, "[::1]"sv,
        "[::1]:443"sv, "[2001:DB8::192.0.2.1]:1"sv, "a_b-c~d"sv, "a%2Fb"sv, "h:65535"sv,
        "!$&'()*+;="sv}) {
    INFO(good);
    CHECK(is_authority(good));
  }
  for (const std::string_view bad : {""sv,       ":80"sv,     "user@example.org"sv,
                                     "a,b"sv,    "a b"sv,     "a/b"sv,
                                     "a?b"sv,    "a#b"sv,     "a\\b"sv,
                                     "a:b"sv,    "a:80:90"sv, "a:65536"sv,
                                     "a:+80"sv,  "a:-1"sv,    "[]"sv,
                                     "[::1"sv,   "[::1]80"sv, "[::g]"sv,
                                     "[::1]x"sv, "::1"sv,     "a%"sv,
                                     "a%2"sv,    "a%zz"sv,    "\x80"sv,
                                     "a\0"sv,    "\"a\""sv,   "<a>"sv,
                                     "a\t"sv}) {
    INFO(bad);
    CHECK_FALSE(is_authority(bad));
  }
}

struct TargetRow {
  std::string_view target;
  Method method;
  Lines hosts;
  uint8_t minor;
  std::string_view fault;
  std::string_view path = {};
  std::string_view authority = {};
};

void check_targets(const std::vector<TargetRow>& rows) {
  for (const TargetRow& row : rows) {
    INFO(row.target << " with " << row.hosts.size() << " Host fields");
    const FieldTable fields(row.hosts);
    Result<Target, Violation> target;
    REQUIRE_NOTHROW(target = check_target(row.target, row.method, *fields, row.minor));
    CHECK(fault_of(target) == row.fault);
    if (!target.has_value()) continue;
    CHECK(target->path == row.path);
    CHECK(target->authority == row.authority);
  }
}

TEST_CASE("target and Host together name one place") {
  const Lines host = {{"Host", "h:80"}};
  check_targets({
      {"/", Method::get, host, 1, "", "/", "h:80"},
      {"/a/../b%2f?c=d&e[]=f|g", Method::get, host, 1, "", "/a/../b%2f?c=d&e[]=f|g", "h:80"},
      {"//other/x", Method::get, host, 1, "", "//other/x", "h:80"},
      {"/a?b\\c", Method::get, host, 1, "", "/a?b\\c", "h:80"},
      {"/a?\\?\\", Method::get, host, 1, "", "/a?\\?\\", "h:80"},
      {"http://other/a?\\b", Method::get, host, 1, "", "/a?\\b", "other"},
      {"*", Method::options, host, 1, "", "*", "h:80"},
      {"http://other/a?b", Method::get, host, 1, "", "/a?b", "other"},
      {"HTTPS://other:8443", Method::get, host, 1, "", "/", "other:8443"},
      {"http://other", Method::options, host, 1, "", "*", "other"},
      {"http://other?q", Method::get, host, 1, "", "?q", "other"},
      {"/", Method::get, {}, 0, "", "/", ""},
      {"/", Method::get, host, 0, "", "/", "h:80"},
  });
}

TEST_CASE("a doubtful Host is refused") {
  const Lines host = {{"Host", "h"}};
  check_targets({
      {"/", Method::get, {}, 1, "bad_host"},
      {"/", Method::get, {{"Host", "h"}, {"hOST", "h"}}, 1, "bad_host"},
      {"/", Method::get, {{"Host", "h"}, {"Host", "i"}}, 0, "bad_host"},
      {"/", Method::get, {{"Host", ""}}, 1, "bad_host"},
      {"/", Method::get, {{"Host", "a, b"}}, 1, "bad_host"},
      {"/", Method::get, {{"Host", "user@h"}}, 1, "bad_host"},
      {"/", Method::get, {{"Host", "h/x"}}, 1, "bad_host"},
      {"http://other/", Method::get, {}, 1, "bad_host"},
      {"http://other/", Method::get, {{"Host", "a b"}}, 1, "bad_host"},
  });
}

TEST_CASE("a target that two readers could read in two ways is refused") {
  const Lines host = {{"Host", "h"}};
  check_targets({
      {"*", Method::get, host, 1, "bad_target"},
      {"**", Method::options, host, 1, "bad_target"},
      {"/a#b", Method::get, host, 1, "bad_target"},
      {"/a\\b", Method::get, host, 1, "bad_target"},
      {"/a\\b?c", Method::get, host, 1, "bad_target"},
      {"/a\\?\\", Method::get, host, 1, "bad_target"},
      {"http://other\\?c", Method::get, host, 1, "bad_target"},
      {"/?a#\\", Method::get, host, 1, "bad_target"},
      {"/\x80", Method::get, host, 1, "bad_target"},
      {"/a\x01", Method::get, host, 1, "bad_target"},
      {"/\x7f", Method::get, host, 1, "bad_target"},
      {"/a b", Method::get, host, 1, "bad_target"},
      {"a", Method::get, host, 1, "bad_target"},
      {"?a", Method::get, host, 1, "bad_target"},
      {"ftp://other/", Method::get, host, 1, "bad_target"},
      {"://other/", Method::get, host, 1, "bad_target"},
      {"http:/other/", Method::get, host, 1, "bad_target"},
      {"http:other", Method::get, host, 1, "bad_target"},
      {"http://", Method::get, host, 1, "bad_target"},
      {"http:///x", Method::get, host, 1, "bad_target"},
      {"http://user@other/", Method::get, host, 1, "bad_target"},
      {"http://a,b/", Method::get, host, 1, "bad_target"},
      {"other:443", Method::get, host, 1, "bad_target"},
  });
}

TEST_CASE("a target that is a scheme and nothing else is refused") {
  const Lines host = {{"Host", "h"}};
  check_targets({{"http", Method::get, host, 1, "bad_target"},
                 {"HTTPS", Method::get, host, 1, "bad_target"}});
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
