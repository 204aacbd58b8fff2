// SPDX-License-Identifier: MIT
// A row per rule of target.h: edge cases 59 to 61 of docs/edge-cases.md.
#include "http/target.h"

#include <string>
#include <utility>
#include <vector>

#include "tests/support/catch.h"

namespace onehop::http {
namespace {

using namespace std::string_view_literals;

// "" when the result is good, else the violation's name.
std::string fault_of(const Result<Target, Violation>& result) {
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

}  // namespace
}  // namespace onehop::http
