// SPDX-License-Identifier: MIT
#include "meant_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "onehop/base/address.h"
#include "onehop/base/ascii.h"
#include "text_rules.h"

namespace onehop::config {
namespace {

bool all_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, is_digit);
}

std::string with(std::string_view reason, Text rule, std::string_view meant) {
  if (meant.empty() || !fits(rule, meant)) return std::string(reason);
  return fmt::format("{}; did you mean {}?", reason, in_quotes_short(meant));
}

// What is behind the scheme and before the path of a URL.
std::string_view authority_of(std::string_view text) {
  const size_t scheme = text.find("://");
  if (scheme != text.npos) text.remove_prefix(scheme + 3);
  return text.substr(0, text.find_first_of("/?#"));
}

}  // namespace

std::string meant_host(std::string_view text) {
  const std::string_view authority = authority_of(text);
  const size_t colon = authority.rfind(':');
  const bool has_port = colon != authority.npos && all_digits(authority.substr(colon + 1));
  const std::string_view name = has_port ? authority.substr(0, colon) : authority;
  if (text == "*") return "any host is \"\"";
  if (text.starts_with('~')) return "there are no regular expressions";
  if (text.find("://") != text.npos) return with("a scheme", Text::host, name);
  if (authority.size() != text.size()) return with("a path", Text::host, name);
  if (has_port) return with("a port, and those take no part in matching", Text::host, name);
  const std::string below = "*" + std::string(text);
  if (text.starts_with('.') && fits(Text::host, below))
    return with("an empty label", Text::host, below);
  return {};
}

std::string meant_listen_address(std::string_view text) {
  if (text.starts_with('/'))
    return with("a unix socket has \"unix:\" before its path", Text::listen_address,
                std::string(kUnixPrefix) + std::string(text));
  if (text.find("://") != text.npos)
    return with("a scheme", Text::listen_address, authority_of(text));
  if (all_digits(text))
    return with("a port alone has a colon before it", Text::listen_address,
                ':' + std::string(text));
  const size_t colon = text.rfind(':');
  const bool has_port = colon != text.npos && all_digits(text.substr(colon + 1));
  if (!has_port) return {};
  const std::string_view port = text.substr(colon);
  if (text.substr(0, colon) == "*") return with("no address", Text::listen_address, port);
  if (!parse_decimal(port.substr(1), 65535)) return "ports end at 65535";
  return parse_host_port(text) ? "a name, and listeners begin before names are looked up" : "";
}

}  // namespace onehop::config
