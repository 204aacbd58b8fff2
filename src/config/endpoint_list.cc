// SPDX-License-Identifier: MIT
#include "onehop/config/endpoint_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "findings.h"
#include "key_path.h"
#include "reader.h"
#include "text_file.h"

namespace onehop::config {

ListResult parse_endpoints(std::string_view text, std::string_view file) {
  auto read = read_list({std::string(file), std::string(text)});
  if (!read) return Unexpected<std::vector<Problem>>({std::move(read.error())});
  auto& [list, reading] = *read;
  std::vector<Problem> problems = std::move(reading.problems);
  if (list.endpoints.size() > kMostListed) {
    problems.push_back(reading.problem(
        place_of(reading.places, "endpoints"), "endpoints",
        fmt::format("at most {} endpoints, found {}", kMostListed, list.endpoints.size())));
  }
  for (Finding& finding : findings(list)) {
    if (covers(reading.refused, finding.key)) continue;
    const Place other = place_of(reading.places, finding.other);
    if (!finding.other.empty() && other.line > 0)
      finding.sentence += fmt::format(" (line {})", other.line);
    const Place at = place_of(reading.places, finding.key);
    problems.push_back(reading.problem(at, std::move(finding.key), std::move(finding.sentence)));
  }
  if (problems.empty()) return std::move(list.endpoints);
  std::ranges::stable_sort(problems, {}, [](const Problem& problem) {
    return std::tuple(problem.line, problem.column);
  });
  return Unexpected<std::vector<Problem>>(std::move(problems));
}

ListResult load_endpoints(const std::string& path) {
  const auto text = read_text(path, Kind::regular);
  if (text) return parse_endpoints(*text, path);
  return Unexpected<std::vector<Problem>>(
      {Problem{"", 0, 0, "", fmt::format("cannot read {}: {}", path, text.error())}});
}

}  // namespace onehop::config
