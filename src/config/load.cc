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

#include "findings.h"
#include "further.h"
#include "key_path.h"
#include "reader.h"

namespace onehop::config {
namespace {

constexpr size_t kMostText =
    4 * 1024 * 1024;  // ten thousands of routes; more is not a configuration

Result<std::string, std::string> read_all(std::FILE* file) {
  if (file == nullptr) return Unexpected<std::string>(std::strerror(errno));
  std::string text(kMostText + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file));
  if (std::ferror(file) != 0) return Unexpected<std::string>(std::strerror(errno));
  if (text.size() > kMostText) return Unexpected<std::string>("more than 4 MiB");
  return text;
}

Result<std::string, std::string> read_text(const std::string& path) {
  if (path == "-") return read_all(stdin);
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             &std::fclose);
  return read_all(file.get());
}

}  // namespace

std::string Problem::to_string() const {
  std::string text;
  if (!file.empty()) text = line == 0 ? file + ": " : fmt::format("{}:{}:{}: ", file, line, column);
  if (severity == Severity::warning) text += "warning: ";
  if (!key.empty()) text += key + ": ";
  return text + sentence;
}

Lookup environment() {
  return [](std::string_view name) -> std::optional<std::string> {
    const char* value = std::getenv(std::string(name).c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
}

Result<Examined, std::vector<Problem>> examine(std::string_view text, std::string_view file,
                                               const Lookup& lookup, const FurtherCheck& further) {
  Result<Reading, Problem> reading = read(text, file, lookup);
  if (!reading) return Unexpected<std::vector<Problem>>({std::move(reading.error())});

  std::vector<Problem> problems = std::move(reading->problems);
  std::vector<Problem> warnings;
  const auto add = [&](std::string key, std::string sentence, Severity severity) {
    const Place at = place_of(reading->places, key);
    (severity == Severity::warning ? warnings : problems)
        .push_back(
            {std::string(file), at.line, at.column, std::move(key), std::move(sentence), severity});
  };
  for (Finding& finding : findings(reading->config)) {
    if (covers(reading->refused, finding.key)) continue;  // said once is enough
    if (covers(reading->refused, finding.basis)) continue;
    if (!finding.other.empty()) {
      finding.sentence += fmt::format(" (line {})", place_of(reading->places, finding.other).line);
    }
    add(std::move(finding.key), std::move(finding.sentence), finding.severity);
  }
  for (Problem& problem : further_problems(reading->config, problems, further))
    add(std::move(problem.key), std::move(problem.sentence), problem.severity);
  const auto by_place = [](const Problem& problem) {
    return std::tuple(problem.line, problem.column);
  };
  std::ranges::stable_sort(problems, {}, by_place);
  std::ranges::stable_sort(warnings, {}, by_place);
  if (!problems.empty()) return Unexpected<std::vector<Problem>>(std::move(problems));
  return Examined{std::move(reading->config), std::move(warnings), std::string(text)};
}

Result<Config, std::vector<Problem>> parse(std::string_view text, std::string_view file,
                                           const Lookup& lookup, const FurtherCheck& further) {
  Result<Examined, std::vector<Problem>> examined = examine(text, file, lookup, further);
  if (!examined) return Unexpected<std::vector<Problem>>(std::move(examined.error()));
  return std::move(examined->config);
}

Result<Examined, std::vector<Problem>> load(const std::string& path, const Lookup& lookup,
                                            const FurtherCheck& further) {
  const std::string name = path.empty() ? in_quotes(path) : path == "-" ? "<stdin>" : path;
  const Result<std::string, std::string> text = read_text(path);
  if (!text) {
    return Unexpected<std::vector<Problem>>(
        {Problem{"", 0, 0, "", fmt::format("cannot read {}: {}", name, text.error())}});
  }
  return examine(*text, path.empty() ? path : name, lookup, further);
}

}  // namespace onehop::config
