// SPDX-License-Identifier: MIT
// Paths that other programs take for patterns.
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/unit/config/texts.h"

namespace onehop::config {
namespace {

using testing::lines;
using testing::problems_of;

std::string file_with(const std::string& path) {
  return "[[route]]\npath = \"" + path +
         "\"\nupstream = \"app\"\n[[listener]]\naddress = \":8080\"\n[upstream.app]\n"
         "endpoints = [\"127.0.0.1:9001\"]\n";
}

std::vector<std::string> warnings_of(const std::string& text) {
  const auto examined = examine(text, "t.toml", testing::variable);
  return examined ? lines(examined->warnings) : std::vector<std::string>{"refused"};
}

struct Meant {
  std::string path;
  std::string meant;
};

TEST_CASE("a glob, a template or a modifier in place of a prefix is answered with what is meant") {
  const std::vector<Meant> rows = {
      {"/api/*", R"(did you mean "/api/"?)"},
      {"/api/**", R"(did you mean "/api/"?)"},
      {"/api*", R"(did you mean "/api"?)"},
      {"/*", R"(did you mean "/"?)"},
      {"*", R"(did you mean "/"?)"},
      {"/api/(.*)", R"(did you mean "/api/"?)"},
      {"/api/.*", R"(did you mean "/api/"?)"},
      {"/users/{id}", R"(did you mean "/users/"?)"},
      {"/users/{id}/", R"(did you mean "/users/"?)"},
      {"/{proxy+}", R"(did you mean "/"?)"},
      {"= /exact", R"(did you mean "/exact" with match = "exact"?)"},
      {"^~ /static/", R"(did you mean "/static/"?)"},
      {"~ ^/regex", "there are no regular expressions"},
      {"~* \\\\.php$", "there are no regular expressions"},
      {"^/api", "there are no regular expressions"},
      {"/a/*/b", "a path has no patterns"},
      {"/users/{id}/posts", "a path has no patterns"},
      {"/*.php", "a path has no patterns"},
      {"api", R"(did you mean "/api"?)"},
  };
  for (const Meant& row : rows) {
    CAPTURE(row.path);
    const std::vector<std::string> problems = problems_of(file_with(row.path));
    REQUIRE(problems.size() == 1);
    CAPTURE(problems[0]);
    CHECK(problems[0].starts_with("t.toml:2:8: route[0].path: a path that starts with"));
    CHECK(problems[0].find(row.meant) != std::string::npos);
  }
}

TEST_CASE("where only a part of a pattern could be meant nothing is suggested") {
  for (const char* path : {"/a/*/b", "/*.php", "/users/{id}/posts"})
    CHECK(problems_of(file_with(path)).at(0).find("did you mean") == std::string::npos);
}

TEST_CASE("a path that may be an expression, but is a good path as well, is a warning") {
  for (const char* path : {"/users/:id", "/(a|b)/", "/v[0-9]/x", "/api/.+", "/api$"}) {
    CAPTURE(path);
    const std::vector<std::string> warnings = warnings_of(file_with(path));
    REQUIRE(warnings.size() == 1);
    CHECK(warnings[0].starts_with("t.toml:2:8: warning: route[0].path: "));
  }
  for (const char* path :
       {"/", "/api/", "/wiki/Foo_(bar)", "/$metadata", "/a:b", "/a+b", "/a.b/~c"})
    CHECK(warnings_of(file_with(path)).empty());
}

TEST_CASE("an upstream that no route uses is a warning with its place") {
  const std::string text = file_with("/") + "[upstream.spare]\nendpoints = [\"127.0.0.1:9002\"]\n";
  CHECK(warnings_of(text) ==
        std::vector<std::string>{"t.toml:8:1: warning: upstream.spare: no route uses it"});
  CHECK(parse(text, "t.toml").has_value());
}

TEST_CASE("what looks unused because of a mistake elsewhere is not said beside it") {
  const std::string text =
      "[[route]]\nupstream = \"ap\"\n[[listener]]\naddress = \":8080\"\n[upstream.app]\n"
      "endpoints = [\"127.0.0.1:9001\"]\n";
  const std::vector<std::string> problems = problems_of(text);
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].find("did you mean `app`?") != std::string::npos);
}

TEST_CASE("a warning of a further check is a warning, and a mistake of it a mistake") {
  const auto further = [](Severity severity) {
    return [severity](const Config&) {
      Problem problem;
      problem.key = "upstream.app.endpoints[0]";
      problem.sentence = "so it is";
      problem.severity = severity;
      return std::vector<Problem>{problem};
    };
  };
  const auto warned =
      examine(file_with("/"), "t.toml", testing::variable, further(Severity::warning));
  REQUIRE(warned.has_value());
  CHECK(lines(warned->warnings) ==
        std::vector<std::string>{"t.toml:7:14: warning: upstream.app.endpoints[0]: so it is"});
  CHECK_FALSE(examine(file_with("/"), "t.toml", testing::variable, further(Severity::mistake)));
}

TEST_CASE("words of other programs for a choice are taken, or answered with ours") {
  const auto level = [](const std::string& word) {
    return file_with("/") + "[log]\nlevel = \"" + word + "\"\n";
  };
  const auto warn = parse(level("warn"), "t.toml");
  REQUIRE(warn.has_value());
  CHECK(warn->log.level == LogLevel::warning);
  const std::vector<Meant> rows = {
      {"notice", "info"}, {"trace", "debug"},    {"crit", "error"},
      {"emerg", "error"}, {"WARN", "warning"},   {"Info", "info"},
      {"err", "error"},   {"warnin", "warning"}, {"DEBUG", "debug"},
  };
  for (const Meant& row : rows) {
    CAPTURE(row.path);
    const std::vector<std::string> problems = problems_of(level(row.path));
    REQUIRE(problems.size() == 1);
    CAPTURE(problems[0]);
    CHECK(problems[0].ends_with("(did you mean \"" + row.meant + "\"?)"));
  }
  const auto balance = [](const std::string& word) {
    return problems_of(file_with("/") + "balance = \"" + word + "\"\n");
  };
  CHECK(balance("round-robin").at(0).ends_with("(did you mean \"round_robin\"?)"));
  CHECK(balance("least_conn").at(0).ends_with("(did you mean \"least_requests\"?)"));
  CHECK(balance("magic").at(0).ends_with("found \"magic\""));
}

}  // namespace
}  // namespace onehop::config
