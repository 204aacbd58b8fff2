// SPDX-License-Identifier: MIT
#include "expand.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "text_rules.h"

namespace onehop::config {
namespace {

constexpr std::array<std::string_view, 6> kSecretWords = {"secret", "token",      "password",
                                                          "passwd", "credential", "key"};

bool names_a_secret(std::string_view variable) {
  const std::string name = lower(variable);
  return std::ranges::any_of(
      kSecretWords, [&name](std::string_view word) { return name.find(word) != name.npos; });
}

bool is_variable_name(std::string_view name) {
  const bool starts_with_digit = !name.empty() && name.front() >= '0' && name.front() <= '9';
  return fits(Text::table_name, name) && !starts_with_digit &&
         name.find_first_of(".-") == name.npos;
}

// What stands between the braces of one ${...}.
Result<std::string, std::string> replacement(std::string_view reference, std::string_view name,
                                             const Lookup& lookup) {
  if (!is_variable_name(name)) {
    return Unexpected<std::string>(fmt::format("${{VAR}} or ${{VAR:-default}}, found {}",
                                               in_quotes_short(fmt::format("${{{}}}", reference))));
  }
  const std::optional<std::string> value = lookup(name);
  const bool has_default = name.size() < reference.size();
  if (has_default && (!value || value->empty())) {
    return std::string(reference.substr(name.size() + 2));
  }
  if (!value) {
    return Unexpected<std::string>(fmt::format(
        "a variable that is set, or a default as in ${{{0}:-value}}, found no {0}", name));
  }
  return *value;
}

}  // namespace

Result<Expanded, std::string> expand(std::string_view text, const Lookup& lookup) {
  Expanded result;
  while (!text.empty()) {
    if (text.starts_with("$${")) {
      result.text += "${";
      text.remove_prefix(3);
      continue;
    }
    if (!text.starts_with("${")) {
      result.text += text.front();
      text.remove_prefix(1);
      continue;
    }
    const size_t end = text.find('}');
    if (end == text.npos) {
      return Unexpected<std::string>(
          fmt::format("${{VAR}} with its closing brace (a literal ${{ is written $${{), found {}",
                      in_quotes_short(text)));
    }
    const std::string_view reference = text.substr(2, end - 2);
    const std::string_view name = reference.substr(0, reference.find(":-"));
    const Result<std::string, std::string> value = replacement(reference, name, lookup);
    if (!value) return Unexpected<std::string>(value.error());
    result.text += *value;
    result.from_variable = true;
    result.secret = result.secret || names_a_secret(name);
    text.remove_prefix(end + 1);
  }
  return result;
}

std::string unexpanded(std::string_view text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i).starts_with("${")) result += '$';
    result += text[i];
  }
  return result;
}

}  // namespace onehop::config
