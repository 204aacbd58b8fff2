// SPDX-License-Identifier: MIT
#include "text_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "onehop/base/address.h"

namespace onehop::config {
namespace {

constexpr size_t kLongestName = 253;  // RFC 1035, section 2.3.4, as text
constexpr size_t kLongestShown = 80;  // of a value, in a message

// By hand, because <cctype> asks the locale.
bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool made_of(std::string_view text, std::string_view more) {
  return std::ranges::all_of(
      text, [more](char c) { return is_letter_or_digit(c) || more.find(c) != more.npos; });
}

// A DNS name. Underscores are no part of one, but container tools make them.
bool is_name(std::string_view text) {
  const bool empty_label =
      text.empty() || text.front() == '.' || text.back() == '.' || text.find("..") != text.npos;
  return !empty_label && text.size() <= kLongestName && made_of(text, "-_.");
}

// Listeners bind before anything is resolved, so the one name they know is localhost.
std::optional<Address> listen_address(const HostPort& given) {
  return Address::numeric(given.host == "localhost" ? "127.0.0.1" : given.host, given.port);
}

bool is_endpoint(const HostPort& given) {
  if (given.port == 0 || given.host.empty()) return false;
  return Address::numeric(given.host, given.port).has_value() || is_name(given.host);
}

bool is_host(std::string_view text) {
  if (text.empty()) return true;
  return is_name(text.starts_with("*.") ? text.substr(2) : text);
}

// Request targets are visible ASCII, so another character could never match.
bool is_path(std::string_view text) {
  return text.starts_with('/') && std::ranges::all_of(text, [](char c) {
           return c > ' ' && c < 0x7f && c != '?' && c != '#';
         });
}

}  // namespace

bool fits(Text rule, std::string_view text) {
  switch (rule) {
    case Text::admin_address:
      if (text.empty()) return true;
      [[fallthrough]];
    case Text::listen_address: {
      const Result<HostPort, std::string> given = parse_host_port(text);
      return given && listen_address(*given).has_value();
    }
    case Text::endpoint_address: {
      const Result<HostPort, std::string> given = parse_host_port(text);
      return given && is_endpoint(*given);
    }
    case Text::block:
      return AddressBlock::parse(text).has_value();
    case Text::host:
      return is_host(text);
    case Text::path:
      return is_path(text);
    case Text::upstream:
      return !text.empty();
    case Text::upstream_name:
      return !text.empty() && made_of(text, "_.-");
  }
  return false;
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      result += {'\\', c};
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      result += fmt::format("\\u{:04X}", static_cast<unsigned char>(c));
    } else {
      result += c;
    }
  }
  return result + '"';
}

std::string quoted_short(std::string_view text) {
  if (text.size() <= kLongestShown) return quoted(text);
  return quoted(text.substr(0, kLongestShown)) + "...";
}

std::string canonical(Text rule, std::string_view text) {
  const bool listens = rule == Text::listen_address || rule == Text::admin_address;
  if (!listens && rule != Text::endpoint_address) return lower(text);
  const Result<HostPort, std::string> given = parse_host_port(text);
  if (!given) return lower(text);
  const std::optional<Address> address =
      listens ? listen_address(*given) : Address::numeric(given->host, given->port);
  return address ? address->to_string() : fmt::format("{}:{}", lower(given->host), given->port);
}

bool any_port(std::string_view address) {
  const Result<HostPort, std::string> given = parse_host_port(address);
  return given && given->port == 0;
}

}  // namespace onehop::config
