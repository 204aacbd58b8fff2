// SPDX-License-Identifier: MIT
// [log.access]: what it takes, what templates are refused for, and what was probably meant.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "onehop/config/access_fields.h"
#include "onehop/config/rules.h"
#include "tests/support/catch.h"
#include "tests/unit/config/texts.h"

namespace onehop::config {
namespace {

using testing::kRest;
using testing::problems_above_rest;
using Lines = std::vector<std::string>;

AccessLog access_of(const std::string& text) {
  const std::string whole = "[log.access]\n" + text + "\n" + std::string(kRest);
  INFO(whole);
  auto result = parse(whole, "/etc/onehop/t.toml", testing::variable);
  if (!result) FAIL(result.error().front().to_string());
  return result->log.access;
}

Lines problems(const std::string& text) {
  return problems_above_rest("[log.access]\n" + text);
}

TEST_CASE("without its table there is no access log, and an empty one writes JSON to the output") {
  CHECK_FALSE(parse(std::string(kRest), "t.toml", testing::variable)->log.access.enabled());
  const AccessLog access = access_of("");
  CHECK(access.enabled());
  CHECK(access.file == "-");
  CHECK(access.format == "json");
  CHECK(access.query);
  CHECK(access.sample == AccessLog::kAutomatic);
  CHECK_FALSE(access_of("file = \"\"").enabled());
}

TEST_CASE("a relative file begins where the configuration is, and - stays -") {
  CHECK(access_of("file = \"access.log\"").file == "/etc/onehop/access.log");
  CHECK(access_of("file = \"/var/log/a\"").file == "/var/log/a");
  CHECK(access_of("file = \"-\"").file == "-");
}

TEST_CASE("every key of the access log is read") {
  const AccessLog access = access_of(
      "format = '{client} {status}'\nquery = false\nstatus = [\"4xx\", \"none\"]\n"
      "slower_than = \"1s\"\nsample = 0.01");
  CHECK(access.format == "{client} {status}");
  CHECK_FALSE(access.query);
  CHECK(access.status == Lines{"4xx", "none"});
  CHECK(access.slower_than == seconds(1));
  CHECK(access.sample == 10'000);
}

TEST_CASE("a share is a number from 0 to 1, of a variable too, or auto") {
  CHECK(access_of("sample = 0").sample == 0);
  CHECK(access_of("sample = 1").sample == AccessLog::kAll);
  CHECK(access_of("sample = 1.0").sample == AccessLog::kAll);
  CHECK(access_of("sample = 0.000001").sample == 1);
  CHECK(access_of("sample = \"auto\"").sample == AccessLog::kAutomatic);
  for (const std::string bad :
       {"1.5", "-0.1", "nan", "true", "\"0.5\"", "\"half\"", "\"${WORD}\""}) {
    INFO(bad);
    const Lines found = problems("sample = " + bad);
    REQUIRE(found.size() == 1);
    CHECK(found.front().find("\"auto\" or 0 to 1, found") != std::string::npos);
  }
}

TEST_CASE("a share is written as it was read") {
  for (const std::string text : {"0", "1", "0.5", "0.01", "0.000001", "\"auto\""}) {
    CHECK(written(Share{}, access_of("sample = " + text).sample) == text);
  }
}

TEST_CASE("a status that is no class is refused, with those there are") {
  CHECK(problems("status = [\"404\"]") ==
        Lines{"t.toml:2:11: log.access.status[0]: \"1xx\", \"2xx\", \"3xx\", \"4xx\", \"5xx\" or "
              "\"none\", found \"404\""});
}

TEST_CASE("a template is refused with what is wrong in it, and what may have been meant") {
  const auto reason = [](const std::string& format) { return access_format_fault(format); };
  CHECK(reason("{status}").empty());
  CHECK(reason("json").empty());
  CHECK(reason("combined").empty());
  CHECK(reason("a {{b}} {time}").empty());
  CHECK(reason("{statis}") == "no field \"statis\"; did you mean `{status}`?");
  CHECK(reason("{clinet}") == "no field \"clinet\"; did you mean `{client}`?");
  CHECK(reason("{what is this}") == "no field \"what is this\"; docs/access-log.md lists them");
  CHECK(reason("{}") == "no field \"\"; docs/access-log.md lists them");
  CHECK(reason("{status") == "a { without its }; a brace is {{");
  CHECK(reason("status}") == "a } without its {; a brace is }}");
  CHECK(reason("{status}\n") == "a control character, and a request is one line");
  CHECK(reason("jsn") == "did you mean \"json\"?");
  CHECK(reason("common log") == "no {field} in it");
  CHECK_FALSE(reason("").empty());
}

TEST_CASE("a wrong template is a mistake with its place") {
  CHECK(problems("format = '{statis}'") ==
        Lines{"t.toml:2:10: log.access.format: \"json\", \"combined\", or text with fields such as "
              "\"{status}\", found \"{statis}\" (no field \"statis\"; did you mean `{status}`?)"});
}

TEST_CASE("a template is text and fields in turn") {
  const auto pieces = parse_access_template("a{{ {client}{status} z");
  REQUIRE(pieces.has_value());
  CHECK(*pieces == std::vector<AccessPiece>{{"a{ ", AccessField::client},
                                            {"", AccessField::status},
                                            {" z", std::nullopt}});
}

TEST_CASE("docs/access-log.md has a row for each field") {
  std::string rows = "| Field | What it is |\n|---|---|\n";
#define X(name, help) rows += std::string("| `" #name "` | ") + (help) + " |\n";
  ONEHOP_ACCESS_FIELDS(X)
#undef X
  const std::filesystem::path path = testing::source_dir() / "docs/access-log.md";
  std::string document = testing::contents(path);
  const std::string mark = "<!-- fields -->\n";
  const size_t begin = document.find(mark) + mark.size();
  const size_t end = document.find("<!-- end -->", begin);
  REQUIRE(end != std::string::npos);
  document.replace(begin, end - begin, rows);
  if (std::getenv("ONEHOP_REGENERATE") != nullptr)
    std::ofstream(path, std::ios::binary) << document;
  INFO("ONEHOP_REGENERATE=1 in the environment writes the table anew");
  CHECK(testing::contents(path) == document);
}

TEST_CASE("the example of docs/access-log.md passes the check") {
  const std::string document = testing::contents(testing::source_dir() / "docs/access-log.md");
  const std::string fence = "```toml\n";
  size_t count = 0;
  for (size_t at = document.find(fence); at != std::string::npos; at = document.find(fence, at)) {
    at += fence.size();
    std::string text = document.substr(at, document.find("```", at) - at);
    if (!text.starts_with('[')) text = "[log.access]\n" + text;
    INFO(text);
    CHECK(problems_above_rest(text).empty());
    ++count;
  }
  CHECK(count == 2);
}

TEST_CASE("each field of the access log can be named in a template") {
  for (const std::string_view name : kAccessFieldNames) {
    CHECK(access_format_fault("{" + std::string(name) + "}").empty());
  }
}

}  // namespace
}  // namespace onehop::config
