// SPDX-License-Identifier: MIT
// load() and parse(): read the text, check the result, and give every problem its place in the
// file.
#include "onehop/config/load.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <set>
#include <system_error>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "findings.h"
#include "further.h"
#include "key_path.h"
#include "onehop/base/file_pattern.h"
#include "onehop/config/load_files.h"
#include "reader.h"
#include "text_file.h"

namespace onehop::config {
namespace {

// Finds and reads what is included, and keeps account of it.
class Includer {
 public:
  // More are no configuration either.
  static constexpr size_t kMostFiles = 1024;

  Includer(std::string path, std::string text) {
    if (path != "-") sources_.patterns.push_back(path);
    taken_.insert(true_path(path));
    sources_.files.push_back(std::move(path));
    sources_.text = std::move(text);
  }

  Included operator()(const std::string& pattern) {
    Included found;
    sources_.patterns.push_back(pattern);
    auto paths =
        has_wildcards(pattern) ? paths_matching(pattern) : std::vector<std::string>{pattern};
    if (!paths) {
      found.sentences.push_back(std::move(paths.error()));
      return found;
    }
    for (std::string& path : *paths) {
      if (!taken_.insert(true_path(path)).second) continue;
      auto text = read(path);
      if (!text) {
        found.sentences.push_back(fmt::format("cannot read {}: {}", path, text.error()));
        continue;
      }
      sources_.text += *text;
      sources_.files.push_back(path);
      found.sources.push_back({std::move(path), std::move(*text)});
    }
    return found;
  }

  Sources take() { return std::move(sources_); }

 private:
  // Behind all links: a file is one whatever its path is spelled like.
  static std::string true_path(const std::string& path) {
    std::error_code error;
    const std::filesystem::path found = std::filesystem::canonical(path, error);
    return error ? path : found.string();
  }
  Result<std::string, std::string> read(const std::string& path) const {
    if (sources_.files.size() == kMostFiles)
      return Unexpected<std::string>(fmt::format("more than {} files", kMostFiles));
    auto text = read_text(path, Kind::regular);
    if (text && sources_.text.size() + text->size() > kMostText)
      return Unexpected<std::string>(fmt::format("more than {} in all files", kMostTextInWords));
    return text;
  }

  Sources sources_;
  std::set<std::string> taken_;  // their true paths
};

// Checks what was read, and gives every problem its place.
Result<Examined, std::vector<Problem>> judge(Reading reading, const FurtherCheck& further) {
  std::vector<Problem> problems = std::move(reading.problems);
  std::vector<Problem> warnings;
  const auto add = [&](std::string key, std::string sentence, Severity severity) {
    const Place at = place_of(reading.places, key);
    Problem problem = reading.problem(at, std::move(key), std::move(sentence));
    problem.severity = severity;
    (severity == Severity::warning ? warnings : problems).push_back(std::move(problem));
  };
  for (Finding& finding : findings(reading.config)) {
    if (covers(reading.refused, finding.key)) continue;  // said once is enough
    if (covers(reading.refused, finding.basis)) continue;
    if (!finding.other.empty()) {
      const Place other = place_of(reading.places, finding.other);
      const bool same_file = other.file == place_of(reading.places, finding.key).file;
      finding.sentence += same_file
                              ? fmt::format(" (line {})", other.line)
                              : fmt::format(" ({}:{})", reading.files[other.file], other.line);
    }
    add(std::move(finding.key), std::move(finding.sentence), finding.severity);
  }
  for (Problem& problem : further_problems(reading.config, problems, further))
    add(std::move(problem.key), std::move(problem.sentence), problem.severity);
  std::unordered_map<std::string_view, size_t> order;
  for (const std::string& file : reading.files) order.emplace(file, order.size());
  const auto by_place = [&](const Problem& problem) {
    return std::tuple(order[problem.file], problem.line, problem.column);
  };
  std::ranges::stable_sort(problems, {}, by_place);
  std::ranges::stable_sort(warnings, {}, by_place);
  if (!problems.empty()) return Unexpected<std::vector<Problem>>(std::move(problems));
  return Examined{std::move(reading.config), std::move(warnings), {}};
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
  Result<Reading, Problem> reading = read({std::string(file), std::string(text)}, lookup);
  if (!reading) return Unexpected<std::vector<Problem>>({std::move(reading.error())});
  auto examined = judge(std::move(*reading), further);
  if (examined) examined->text = text;
  return examined;
}

Result<Config, std::vector<Problem>> parse(std::string_view text, std::string_view file,
                                           const Lookup& lookup, const FurtherCheck& further) {
  Result<Examined, std::vector<Problem>> examined = examine(text, file, lookup, further);
  if (!examined) return Unexpected<std::vector<Problem>>(std::move(examined.error()));
  return std::move(examined->config);
}

Loading load_files(const std::string& path, const Lookup& lookup, const FurtherCheck& further) {
  const std::string name = path.empty() ? in_quotes(path) : path == "-" ? "<stdin>" : path;
  Result<std::string, std::string> text = read_text(path, Kind::any);
  if (!text) {
    return {Unexpected<std::vector<Problem>>(
                {Problem{"", 0, 0, "", fmt::format("cannot read {}: {}", name, text.error())}}),
            Includer(path, {}).take()};
  }
  Includer includer(path, *text);
  Result<Reading, Problem> reading =
      read({path.empty() ? path : name, std::move(*text)}, lookup, std::ref(includer));
  if (!reading)
    return {Unexpected<std::vector<Problem>>({std::move(reading.error())}), includer.take()};
  auto examined = judge(std::move(*reading), further);
  Sources sources = includer.take();
  if (examined) examined->text = sources.text;
  return {std::move(examined), std::move(sources)};
}

Result<Examined, std::vector<Problem>> load(const std::string& path, const Lookup& lookup,
                                            const FurtherCheck& further) {
  return load_files(path, lookup, further).result;
}

}  // namespace onehop::config
