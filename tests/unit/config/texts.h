// SPDX-License-Identifier: MIT
// What the tests of this folder share: a file that is complete, variables that do not come from the
// environment, and problems as lines.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "onehop/config/load.h"
#include "tests/support/source_tree.h"

namespace onehop::config::testing {

// What a file needs at least. It goes below the lines of a test, so that those begin at line 1.
inline constexpr std::string_view kRest = R"(
[[listener]]
address = "127.0.0.1:8080"
[[route]]
upstream = "app"
[upstream.app]
endpoints = ["127.0.0.1:9001"]
)";

inline const std::map<std::string, std::string, std::less<>> kVariables = {
    {"FOUR", "4"},    {"SIZE", "16KiB"},       {"HOST", "10.0.0.1"}, {"EMPTY", ""},
    {"YES", "true"},  {"DOLLAR", "${FOUR}"},   {"WORD", "many"},     {"API_TOKEN", "hidden:80"},
    {"app_key", "x"}, {"DB_PASSWORD", "huge"},
};

inline std::optional<std::string> variable(std::string_view name) {
  const auto found = kVariables.find(name);
  return found == kVariables.end() ? std::nullopt : std::optional<std::string>(found->second);
}

inline std::vector<std::string> lines(const std::vector<Problem>& problems) {
  std::vector<std::string> result;
  for (const Problem& problem : problems) result.push_back(problem.to_string());
  return result;
}

// The problems of a text; none when it is a good configuration.
inline std::vector<std::string> problems_of(std::string_view text) {
  const Result<Config, std::vector<Problem>> result = parse(text, "t.toml", variable);
  return result ? std::vector<std::string>() : lines(result.error());
}

// The same for lines that kRest makes a whole file.
inline std::vector<std::string> problems_above_rest(std::string_view text) {
  return problems_of(std::string(text) + std::string(kRest));
}

inline std::filesystem::path source_dir() {
  return test::source_tree();
}

inline std::string contents(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// The configuration behind conf/reference.toml: the smallest file, and every default.
inline Config reference() {
  Config config;
  config.listeners.resize(1);
  config.listeners[0].address = "127.0.0.1:8080";
  config.routes.resize(1);
  config.routes[0].upstream = "app";
  config.upstreams.resize(1);
  config.upstreams[0].name = "app";
  config.upstreams[0].endpoints = {{"127.0.0.1:9001", 1}, {"127.0.0.1:9002", 2}};
  config.admin.listen = "127.0.0.1:9900";
  return config;
}

}  // namespace onehop::config::testing
