// SPDX-License-Identifier: MIT
// Whatever bytes a client sends: in a line they are text, and nothing else.
#include "server/access_text.h"

#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/catch.h"

namespace onehop::server {
namespace {

std::string json_of(std::string_view text) {
  std::string out;
  append_json(out, text);
  return out;
}

std::string escaped(std::string_view text) {
  std::string out;
  append_escaped(out, text);
  return out;
}

TEST_CASE("plain text, UTF-8 too, is a JSON string as it is") {
  CHECK(json_of("") == R"("")");
  CHECK(json_of("/a b?c=d&e='~") == R"("/a b?c=d&e='~")");
  CHECK(json_of("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x99\x82") ==
        "\"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x99\x82\"");
}

TEST_CASE("quotes, backslashes, control characters and DEL are escaped in JSON") {
  CHECK(json_of("a\"b\\c") == R"("a\"b\\c")");
  CHECK(json_of(std::string_view("\0\n\r\t\x1b\x7f", 6)) ==
        R"("\u0000\u000A\u000D\u0009\u001B\u007F")");
  CHECK(json_of("\xc2\x9b"
                "31m") == R"("\u009B31m")");
}

TEST_CASE("bytes that are no UTF-8 become U+FFFD, one each") {
  CHECK(json_of("\x80") == R"("\uFFFD")");
  CHECK(json_of("a\xff\xfe"
                "b") == R"("a\uFFFD\uFFFDb")");
  CHECK(json_of("\xc0\xaf") == R"("\uFFFD\uFFFD")");            // a longer form than needed
  CHECK(json_of("\xe0\x80\xaf") == R"("\uFFFD\uFFFD\uFFFD")");  // the same
  CHECK(json_of("\xed\xa0\x80") == R"("\uFFFD\uFFFD\uFFFD")");  // a surrogate
  CHECK(json_of("\xf4\x90\x80\x80") == R"("\uFFFD\uFFFD\uFFFD\uFFFD")");  // beyond the last one
  CHECK(json_of("\xe2\x82") == R"("\uFFFD\uFFFD")");                      // cut off
  CHECK(json_of("\xc3") == R"("\uFFFD")");
  CHECK(json_of("\xc3\"") == R"("\uFFFD\"")");  // a quote is never swallowed
}

TEST_CASE("any two bytes between two letters are one good JSON string, in one line") {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string text = {'a', static_cast<char>(first), static_cast<char>(second), 'z'};
      const std::string written = json_of(text);
      const bool one_line = written.find('\n') == written.npos;
      const auto read = nlohmann::json::parse(written, nullptr, false);
      const bool good = read.is_string() && read.get<std::string>().front() == 'a' &&
                        read.get<std::string>().back() == 'z';
      if (!one_line || !good) FAIL(first << " " << second << ": " << written);
    }
  }
}

TEST_CASE("outside of JSON all but printable ASCII, quotes and backslashes are \\xHH") {
  CHECK(escaped("/a b~") == "/a b~");
  CHECK(escaped("a\"b\\c\n\x7f\xc3\xbc") == R"(a\x22b\x5Cc\x0A\x7F\xC3\xBC)");
  for (int c = 0; c < 256; ++c) {
    const std::string text = escaped(std::string(1, static_cast<char>(c)));
    for (const char written : text) CHECK((written >= ' ' && written < 0x7f && written != '"'));
  }
}

TEST_CASE("times are UTC, with microseconds in RFC 3339 and without them in the other form") {
  TimeText time;
  std::string out;
  time.append_rfc3339(out, 1'796'058'394'123'456'789);
  CHECK(out == "2026-11-30T17:06:34.123456Z");
  out.clear();
  time.append_combined(out, 1'796'058'394'123'456'789);
  CHECK(out == "30/Nov/2026:17:06:34 +0000");
  out.clear();
  time.append_rfc3339(out, 1'796'058'395'000'001'000);
  CHECK(out == "2026-11-30T17:06:35.000001Z");
}

}  // namespace
}  // namespace onehop::server
