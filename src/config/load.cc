// SPDX-License-Identifier: MIT
// load() and parse(): read the text, check the result, and give every problem its place in the
// file.
#include "onehop/config/load.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <tuple>
#include <utility>

#include "key_path.h"
#include "reader.h"

namespace onehop::config {
namespace {

constexpr size_t kMostText =
    4 * 1024 * 1024;  // ten thousands of routes; more is not a configuration

// The place of the path, or of the nearest table above it when the file does not have the key.
Place place_of(const Reading& reading, std::string_view path) {
  for (; !path.empty(); path = parent(path)) {
    if (const auto at = reading.places.find(path); at != reading.places.end()) return at->second;
  }
  return {};
}

Unexpected<std::vector<Problem>> one_problem(std::string_view file, std::string sentence) {
  return Unexpected<std::vector<Problem>>({Problem{std::string(file), 1, 1, "", std::move(sentence)}});
}

Result<std::string, std::string> read_file(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             &std::fclose);
  if (file == nullptr) return Unexpected<std::string>(std::strerror(errno));
  std::string text(kMostText + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (std::ferror(file.get()) != 0) return Unexpected<std::string>(std::strerror(errno));
  if (text.size() > kMostText) return Unexpected<std::string>("more than 4 MiB");
  return text;
}

}  // namespace

std::string Problem::to_string() const {
  const std::string subject = key.empty() ? std::string() : key + ": ";
  return fmt::format("{}:{}:{}: {}{}", file, line, column, subject, sentence);
}

Lookup environment() {
  return [](std::string_view name) -> std::optional<std::string> {
    const char* value = std::getenv(std::string(name).c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
}

Result<Config, std::vector<Problem>> parse(std::string_view text, std::string_view file,
                                           const Lookup& lookup) {
  Reading reading = read(text, file, lookup);
  std::vector<Problem> problems = std::move(reading.problems);
  const bool readable = problems.empty() || !problems.front().key.empty();
  if (!readable) return Unexpected<std::vector<Problem>>(std::move(problems));

  for (Problem& problem : check(reading.config)) {
    if (covers(reading.refused, problem.key)) continue;  // said once is enough
    const Place at = place_of(reading, problem.key);
    problem.file = file;
    problem.line = at.line;
    problem.column = at.column;
    problems.push_back(std::move(problem));
  }
  if (problems.empty()) return std::move(reading.config);
  std::ranges::stable_sort(problems, {}, [](const Problem& problem) {
    return std::tuple(problem.line, problem.column);
  });
  return Unexpected<std::vector<Problem>>(std::move(problems));
}

Result<Config, std::vector<Problem>> load(const std::string& path, const Lookup& lookup) {
  const Result<std::string, std::string> text = read_file(path);
  if (!text) {
    return one_problem(path, fmt::format("a readable file, found: {}", text.error()));
  }
  return parse(*text, path, lookup);
}

}  // namespace onehop::config
