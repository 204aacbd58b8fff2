// SPDX-License-Identifier: MIT
#include "path_pattern.h"

#include <fmt/format.h>

#include <algorithm>

#include "text_rules.h"

namespace onehop::config {
namespace {

constexpr std::string_view kNoPatterns =
    R"(a path has no patterns: it is a prefix, or the whole path with match = "exact")";
constexpr std::string_view kNoExpressions = "there are no regular expressions";

std::string with_suggestion(std::string_view reason, std::string_view meant) {
  return fmt::format("{}; did you mean {}?", reason, in_quotes_short(meant));
}

std::string_view without_blanks(std::string_view text) {
  return text.substr(std::min(text.find_first_not_of(' '), text.size()));
}

// Where a pattern begins: a star, or a segment that is a template. A brace elsewhere is a brace.
size_t mark_in(std::string_view path) {
  const size_t star = path.find('*');
  const size_t segment = path.find("/{");
  return std::min(star, segment == path.npos ? path.npos : segment + 1);
}

// What is before the first mark is the same as a prefix, if nothing follows the marks that would
// have to match: of "/api/*", "/api/(.*)$" and "/users/{id}" it is, of "/a/*/b" it is not.
std::string_view same_as_prefix(std::string_view path) {
  const size_t mark = mark_in(path);
  std::string_view rest = path.substr(mark);
  while (rest.starts_with('{') && rest.find('}') != rest.npos)
    rest.remove_prefix(rest.find('}') + 1);
  if (rest.find_first_not_of("*)$/") != rest.npos) return {};
  std::string_view prefix = path.substr(0, mark);
  while (prefix.ends_with('.') || prefix.ends_with('(')) prefix.remove_suffix(1);
  return prefix.starts_with('/') ? prefix
         : prefix.empty()        ? std::string_view("/")
                                 : std::string_view();
}

// nginx's `location = /x`, `^~ /x`, `~ x` and `~* x`, with the modifier as a part of the path.
std::string modifier_fault(std::string_view path) {
  if (path.starts_with('=')) {
    return fmt::format(R"(nginx's "="; did you mean {} with match = "exact"?)",
                       in_quotes_short(without_blanks(path.substr(1))));
  }
  if (path.starts_with("^~"))
    return with_suggestion("nginx's \"^~\"", without_blanks(path.substr(2)));
  return std::string(kNoExpressions);
}

}  // namespace

std::string pattern_fault(std::string_view path) {
  if (path.empty()) return {};
  if (path.find_first_of("=~^") == 0) return modifier_fault(path);
  if (mark_in(path) != path.npos) {
    const std::string_view prefix = same_as_prefix(path);
    return prefix.empty() ? std::string(kNoPatterns) : with_suggestion(kNoPatterns, prefix);
  }
  const bool is_relative = !path.starts_with('/') && path.find("://") == path.npos;
  return is_relative ? fmt::format("did you mean {}?", in_quotes_short("/" + std::string(path)))
                     : std::string();
}

std::string_view pattern_suspicion(std::string_view path) {
  const auto has = [path](std::string_view part) { return path.find(part) != path.npos; };
  if (has("/:")) return "looks like a parameter, but is compared as it stands";
  const bool choice = has("|") && has("(");
  const bool set = has("[") && has("]");
  if (choice || set || has(".+") || has("(?") || path.ends_with('$'))
    return "looks like a regular expression, but is compared as it stands";
  return {};
}

}  // namespace onehop::config
