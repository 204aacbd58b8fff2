// SPDX-License-Identifier: MIT
// The one idea: a redefinition is a mistake of the configuration and gets a sentence of its own;
// everything else is passed on with the parser's jargon taken off.
#include "syntax.h"

#include <fmt/format.h>

#include <optional>

namespace onehop::config {
namespace {

void replace(std::string& text, std::string_view from, std::string_view to) {
  if (const size_t at = text.find(from); at != text.npos) text.replace(at, from.size(), to);
}

std::string_view with_article(std::string_view type) {
  if (type == "integer") return "an integer";
  if (type == "array") return "an array";
  if (type == "array-of-tables") return "an array of tables";
  if (type == "table") return "a table";
  return "a value";
}

// cannot redefine existing TYPE 'KEY' [as TYPE]
std::optional<SyntaxFault> redefinition(std::string_view reason) {
  constexpr std::string_view kStart = "cannot redefine existing ";
  const size_t open = reason.find(" '");
  const size_t close = reason.rfind('\'');
  if (!reason.starts_with(kStart) || open == reason.npos || close < open + 2) return std::nullopt;
  const std::string_view type = reason.substr(kStart.size(), open - kStart.size());
  const std::string_view after = reason.substr(close + 1);
  std::string key(reason.substr(open + 2, close - open - 2));
  // The parser repeats parts of a quoted key.
  if (key.find_first_of("\"'") != key.npos) key.clear();

  constexpr std::string_view kAs = " as ";
  if (after.starts_with(kAs)) {
    return SyntaxFault{std::move(key),
                       fmt::format("this cannot be {}, it was defined as {} before",
                                   with_article(after.substr(kAs.size())), with_article(type))};
  }
  return SyntaxFault{std::move(key), type == "table"
                                         ? "a table may be defined once, it was defined before"
                                         : "a key may be given once, it was given before"};
}

// Text without a quote before it is taken for a number, a time or nothing at all; without one
// behind it the line ends inside of it, or more text follows an entry of an array at once.
bool may_lack_a_quote(std::string_view part, std::string_view reason) {
  if (part.ends_with("string")) {
    return reason.find("control characters") != reason.npos || reason.ends_with("end-of-file");
  }
  if (part == "array") {
    return reason.find(", saw ") != reason.npos && !reason.ends_with("'['") &&
           !reason.ends_with("'\"'");
  }
  if (part == "decimal integer") return reason.starts_with("expected digit");
  return part == "time" || part == "date" || part == "date-time" || part == "floating-point" ||
         part == "boolean" || (part == "value" && reason.starts_with("could not determine"));
}

}  // namespace

SyntaxFault syntax_fault(std::string_view description) {
  constexpr std::string_view kStart = "Error while parsing ";
  constexpr std::string_view kColon = ": ";
  std::string_view part;  // of the grammar, such as "decimal integer"
  if (const size_t colon = description.find(kColon);
      description.starts_with(kStart) && colon != description.npos) {
    part = description.substr(kStart.size(), colon - kStart.size());
    description.remove_prefix(colon + kColon.size());
  }
  if (std::optional<SyntaxFault> fault = redefinition(description)) return std::move(*fault);

  std::string reason(description);
  replace(reason, "Encountered", "encountered");
  replace(reason, "encountered end-of-file", "the text ends too early");
  replace(reason, ", saw '\\n'", ", found the end of the line");
  replace(reason, ", saw ", ", found ");
  const bool telling = !part.empty() && part != "root table";
  return {"", fmt::format("this is not valid TOML: {}{}{}", reason,
                          telling ? fmt::format(" ({})", part) : std::string(),
                          may_lack_a_quote(part, description) ? "; is a quote missing?" : "")};
}

}  // namespace onehop::config
