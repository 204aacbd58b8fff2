// SPDX-License-Identifier: MIT
// What an endpoints_file may say, and what is said of one that is wrong.
#include "onehop/config/endpoint_list.h"

#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/folder.h"
#include "tests/unit/config/texts.h"

namespace onehop::config {
namespace {

using Lines = std::vector<std::string>;
using Endpoints = std::vector<Endpoint>;

Endpoints listed(std::string_view text, std::string_view file) {
  const ListResult list = parse_endpoints(text, file);
  if (!list.has_value()) FAIL(list.error().front().to_string());
  return *list;
}

Lines mistakes(std::string_view text, std::string_view file) {
  const ListResult list = parse_endpoints(text, file);
  return list.has_value() ? Lines{"none"} : testing::lines(list.error());
}

TEST_CASE("a list is the same as JSON, as TOML and alone, told apart by its name or its text") {
  const Endpoints expected = {
      {"10.0.0.1:8000", 1}, {"app.internal:80", 2}, {"srv:_http._tcp.a", 1}};
  constexpr std::string_view kJson =
      R"({"endpoints": ["10.0.0.1:8000", {"address": "app.internal:80", "weight": 2},)"
      R"( "srv:_http._tcp.a"]})";
  constexpr std::string_view kList =
      R"( ["10.0.0.1:8000", {"address": "app.internal:80", "weight": 2}, "srv:_http._tcp.a"])";
  constexpr std::string_view kToml =
      "endpoints = [\"10.0.0.1:8000\", { address = \"app.internal:80\", weight = 2 },\n"
      "  \"srv:_http._tcp.a\"]\n";
  constexpr std::string_view kTables =
      "[[endpoints]]\naddress = \"10.0.0.1:8000\"\n[[endpoints]]\naddress = \"app.internal:80\"\n"
      "weight = 2\n[[endpoints]]\naddress = \"srv:_http._tcp.a\"\n";
  for (const std::string_view file : {"a.json", "a"}) {
    CHECK(listed(kJson, file) == expected);
    CHECK(listed(kList, file) == expected);
  }
  for (const std::string_view file : {"a.toml", "a"}) {
    CHECK(listed(kToml, file) == expected);
    CHECK(listed(kTables, file) == expected);
  }
}

TEST_CASE("a list may be empty, which says that there is no endpoint") {
  CHECK(listed("[]", "a.json").empty());
  CHECK(listed("{\"endpoints\": []}", "a").empty());
  CHECK(listed("endpoints = []", "a.toml").empty());
}

TEST_CASE("half a file is refused, with the place where it ends") {
  CHECK(mistakes("{\"endpoints\": [\"10.0.0.1:8000\",\n \"10.0", "a.json") ==
        Lines{"a.json:2:7: this is not valid JSON: invalid string: missing closing quote; "
              "last read: '\"10.0'"});
  // The reason is the library's, whose releases say it differently.
  const Lines of_nothing = mistakes("", "a.json");
  REQUIRE(of_nothing.size() == 1);
  CHECK(of_nothing.front().starts_with("a.json:1:1: this is not valid JSON: "));
  CHECK(mistakes("endpoints = [\"10.0.0.1:8000\",", "a.toml").size() == 1);
  CHECK(mistakes("", "a.toml") ==
        Lines{"a.toml:1:1: endpoints: a list of endpoints, which may be empty, found nothing"});
  CHECK(mistakes("{}", "a.json") ==
        Lines{"a.json: endpoints: a list of endpoints, which may be empty, found nothing"});
}

TEST_CASE("mistakes are those of endpoints in [upstream.NAME], all of them, with lines in TOML") {
  CHECK(mistakes("endpoints = [\"10.0.0.1\",\n  { address = \"10.0.0.2:1\", weight = 0 },\n"
                 "  \"10.0.0.3:1\",\n  \"10.0.0.3:1\" ]\nretries = 3\n",
                 "a.toml") ==
        Lines{"a.toml:1:14: endpoints[0].address: \"IP:PORT\", \"[IP6]:PORT\" or \"NAME:PORT\" "
              "with a port from 1 to 65535, \"srv:NAME\" or \"unix:/path\", found \"10.0.0.1\"",
              "a.toml:2:38: endpoints[1].weight: 1 to 1000, found 0",
              "a.toml:4:3: endpoints[3]: an endpoint of its own, found that of endpoints[2] (line "
              "3)",
              "a.toml:5:1: retries: an unknown key; known here: endpoints"});
  CHECK(mistakes(R"([{"address": "10.0.0.1:1", "wieght": 2}, null, ["10.0.0.2:1"], )"
                 R"({"address": {"ip": "10.0.0.2"}}, )"
                 R"({"address": "a:1", "weight": 18446744073709551615}])",
                 "a.json")
            .size() == 5);
}

TEST_CASE("JSON with a key twice in an object, or that is no list, is refused") {
  CHECK(mistakes(R"({"endpoints": [], "endpoints": ["10.0.0.1:1"]})", "a.json") ==
        Lines{"a.json: endpoints: a key may be given once, it was given before"});
  CHECK(mistakes("3", "a.json") ==
        Lines{"a.json: an object with the key endpoints, or an array, found neither"});
  CHECK(mistakes("[1e999]", "a.json").size() == 1);
}

TEST_CASE("JSON that is nested without end is refused, and costs no stack") {
  CHECK(mistakes(std::string(1'000'000, '['), "a.json").size() == 1);
  CHECK(mistakes(std::string(500'000, '[') + std::string(500'000, ']'), "a.json").size() == 1);
}

TEST_CASE("variables are not replaced in a list of endpoints") {
  CHECK(mistakes("[\"${HOST:-10.0.0.1}:80\"]", "a.json").size() == 1);
  CHECK(mistakes("[\"${HOST:-10.0.0.1}:80\"]", "a.json").front().find("${HOST") !=
        std::string::npos);
}

TEST_CASE("too many endpoints are refused") {
  std::string text = "[";
  for (size_t i = 0; i <= kMostListed; ++i)
    text += (i == 0 ? "\"a" : ",\"a") + std::to_string(i) + ":1\"";
  CHECK(mistakes(text + "]", "a.json") ==
        Lines{"a.json: endpoints: at most 10000 endpoints, found 10001"});
}

TEST_CASE("what cannot be read as a list of endpoints is said with its path") {
  const test::Folder folder;
  const auto lines = [&](const std::string& name) {
    const ListResult list = load_endpoints(folder / name);
    return list.has_value() ? Lines{} : testing::lines(list.error());
  };
  const auto refused = [&](const std::string& name, const std::string& why) {
    return Lines{"cannot read " + (folder / name) + ": " + why};
  };
  CHECK(lines("a.json") == refused("a.json", "No such file or directory"));
  folder.make("b.json");
  CHECK(lines("b.json") == refused("b.json", "it is a folder"));
  folder.write("c.json", std::string(4 * 1024 * 1024 + 1, ' '));
  CHECK(lines("c.json") == refused("c.json", "more than 4 MiB"));
  folder.write("d.json", "[\"10.0.0.1:1\"]");
  CHECK(lines("d.json").empty());
}

}  // namespace
}  // namespace onehop::config
