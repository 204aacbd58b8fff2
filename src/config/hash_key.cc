// SPDX-License-Identifier: MIT
#include "onehop/config/hash_key.h"

#include <algorithm>

#include "onehop/base/ascii.h"

namespace onehop::config {
namespace {

// A parameter's name as it is in a query, where these have another meaning.
bool is_parameter(std::string_view name) {
  constexpr std::string_view kNever = "&=#";
  return !name.empty() && std::ranges::all_of(name, [&](char c) {
    return c > ' ' && c <= '~' && kNever.find(c) == kNever.npos;
  });
}

}  // namespace

Result<HashKey, std::string> HashKey::parse(std::string_view text) {
  using Fault = Unexpected<std::string>;
  if (text == "client") return HashKey{Part::client};
  if (text == "path") return HashKey{Part::path};
  const size_t colon = text.find(':');
  const std::string_view kind = text.substr(0, colon);
  const std::string_view name = colon == text.npos ? std::string_view() : text.substr(colon + 1);
  const bool known = kind == "header" || kind == "cookie" || kind == "query";
  if (!known) return Fault(std::string());
  if (name.empty()) return Fault("no name behind \"" + std::string(kind) + ":\"");
  if (kind == "query") {
    if (!is_parameter(name)) return Fault("a character that no parameter's name has");
    return HashKey{Part::query, std::string(name)};
  }
  if (!is_token(name)) return Fault("a character that no " + std::string(kind) + "'s name has");
  return HashKey{kind == "header" ? Part::header : Part::cookie, std::string(name)};
}

}  // namespace onehop::config
