// SPDX-License-Identifier: MIT
#include "onehop/config/access_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "onehop/config/suggest.h"
#include "text_rules.h"

namespace onehop::config {
namespace {

std::optional<AccessField> field_named(std::string_view name) {
  const auto place = std::ranges::find(kAccessFieldNames, name);
  if (place == kAccessFieldNames.end()) return std::nullopt;
  return static_cast<AccessField>(place - kAccessFieldNames.begin());
}

std::string unknown(std::string_view name) {
  const std::string_view meant = closest(name, kAccessFieldNames);
  return meant.empty()
             ? fmt::format("no field {}; docs/access-log.md lists them", in_quotes_short(name))
             : fmt::format("no field {}; did you mean `{{{}}}`?", in_quotes_short(name), meant);
}

}  // namespace

Result<std::vector<AccessPiece>, std::string> parse_access_template(std::string_view text) {
  std::vector<AccessPiece> pieces;
  std::string plain;
  for (size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    const bool doubled = at + 1 < text.size() && text[at + 1] == c;
    if ((c == '{' || c == '}') && doubled) {
      plain += c;
      ++at;
    } else if (c == '}') {
      return Unexpected<std::string>("a } without its {; a brace is }}");
    } else if (c == '{') {
      const size_t end = text.find('}', at);
      if (end == text.npos) return Unexpected<std::string>("a { without its }; a brace is {{");
      const std::string_view name = text.substr(at + 1, end - at - 1);
      const auto field = field_named(name);
      if (!field.has_value()) return Unexpected<std::string>(unknown(name));
      pieces.push_back({std::exchange(plain, {}), field});
      at = end;
    } else if (static_cast<unsigned char>(c) < 0x20 && c != '\t') {
      return Unexpected<std::string>("a control character, and a request is one line");
    } else {
      plain += c;
    }
  }
  if (!plain.empty()) pieces.push_back({std::move(plain), std::nullopt});
  return pieces;
}

std::string access_format_fault(std::string_view text) {
  if (std::ranges::find(kAccessFormats, text) != kAccessFormats.end()) return {};
  if (text.find_first_of("{}") == text.npos) {
    const std::string_view meant = closest(text, kAccessFormats);
    return meant.empty() ? std::string("no {field} in it")
                         : fmt::format("did you mean \"{}\"?", meant);
  }
  const auto pieces = parse_access_template(text);
  return pieces.has_value() ? std::string() : pieces.error();
}

}  // namespace onehop::config
