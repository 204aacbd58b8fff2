// SPDX-License-Identifier: MIT
// Text that is not TOML: one problem, at its place, in the words of the other problems.
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/unit/config/texts.h"

namespace onehop::config {
namespace {

using Lines = std::vector<std::string>;
using testing::problems_of;

struct Case {
  std::string text;
  std::string problem;
};

void check_table(const std::vector<Case>& cases) {
  for (const Case& one : cases) {
    INFO(one.text);
    CHECK(problems_of(one.text) == Lines{"t.toml:" + one.problem});
  }
}

TEST_CASE("a table or a key that is there twice is named") {
  check_table({
      {"[upstream.app]\nretries = 1\n[upstream.app]\n",
       "3:1: upstream.app: a table may be defined once, it was defined before"},
      {"server.workers = 1\n[server]\n",
       "2:1: server: a table may be defined once, it was defined before"},
      {"[server]\nworkers = 1\nworkers = 2\n",
       "3:11: workers: a key may be given once, it was given before"},
      {"log = { level = \"info\", level = \"info\" }",
       "1:33: level: a key may be given once, it was given before"},
      {"[[server]]\n[server]\n",
       "2:1: server: this cannot be a table, it was defined as an array before"},
      {"[server]\n[[server]]\n",
       "2:1: server: this cannot be an array of tables, it was defined as a table before"},
      {"[a]\nx = 1\n[a.x]\n",
       "3:1: a.x: this cannot be a table, it was defined as an integer before"},
  });
}

TEST_CASE("a quoted key that is there twice is not named, as the parser misspells it") {
  check_table({
      {"[upstream.\"a.b\"]\nx = 1\n[upstream.\"a.b\"]\n",
       "3:1: a table may be defined once, it was defined before"},
      {"\"w\" = 1\n\"w\" = 2\n", "2:7: a key may be given once, it was given before"},
  });
}

TEST_CASE("any other mistake of the text says what was expected") {
  check_table({
      {"[server]\nworkers = \n",
       "2:11: this is not valid TOML: expected value, found the end of the line "
       "(key-value pair)"},
      {"[server", "1:8: this is not valid TOML: the text ends too early (table header)"},
      {"= 1",
       "1:1: this is not valid TOML: expected keys, tables, whitespace or comments, found '='"},
      {"a = 0123", "1:9: this is not valid TOML: leading zeroes are prohibited (decimal integer)"},
      {"a = 1\n\xff\xfe", "1:6: this is not valid TOML: encountered invalid utf-8 sequence"},
      {"a.b = 1\na.b.c = 2\n",
       "2:3: this is not valid TOML: cannot redefine existing integer as dotted key-value pair "
       "(key-value pair)"},
  });
}

TEST_CASE("where a quote is missing the sentence asks for it") {
  const std::string ask = "; is a quote missing?";
  for (const std::string text :
       {"[[listener]]\naddress = \"127.0.0.1:8080\n", "address = \"127.0.0.1:8080",
        "address = 127.0.0.1:8080\n", "address = :8080\n", "address = localhost:8080\n",
        "address = [::1]:8080\n", "endpoints = [\"a:1, \"b:2\"]\n",
        "endpoints = [\n  127.0.0.1:9001,\n]\n", "path = '/api\n", "path = /api\n", "drain = 30s\n",
        "request_head = 16KiB\n", "level = info\n", "date = 1979-x\n"}) {
    INFO(text);
    const Lines problems = problems_of(text);
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].ends_with(ask));
  }
}

TEST_CASE("where none is missing the sentence does not speak of quotes") {
  for (const std::string text :
       {"[server]\nworkers = \n", "[server", "= 1", "a = 0123", "a = 1 b = 2\n",
        "endpoints = [\"a:1\" \"b:1\"]\n", "endpoints = [\"a:1\"\n[admin]\n", "a = \"\\q\"\n"}) {
    INFO(text);
    const Lines problems = problems_of(text);
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].find("quote") == std::string::npos);
  }
}

TEST_CASE("a mistake of the text is the only problem of a file, whatever else is wrong in it") {
  CHECK(problems_of("sever = 1\n[log]\nlevel = \"loud\"\n[log]\n") ==
        Lines{"t.toml:4:1: log: a table may be defined once, it was defined before"});
}

}  // namespace
}  // namespace onehop::config
