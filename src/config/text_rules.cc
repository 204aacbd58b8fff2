// SPDX-License-Identifier: MIT
#include "text_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "field_name.h"
#include "host_name.h"
#include "meant_text.h"
#include "onehop/base/address.h"
#include "onehop/base/ascii.h"
#include "onehop/base/peers.h"
#include "onehop/config/access_fields.h"
#include "onehop/config/hash_key.h"
#include "path_pattern.h"
#include "word_rules.h"

namespace onehop::config {
namespace {

constexpr size_t kLongestShown = 80;  // of a value, in a message

// By hand, because <cctype> asks the locale.
bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// Listeners bind before anything is resolved, so the one name they know is localhost.
std::optional<Address> listen_address(const HostPort& given) {
  return Address::numeric(given.host == "localhost" ? "127.0.0.1" : given.host, given.port);
}

std::string_view endpoint_fault(const HostPort& given) {
  const bool is_address = !given.host.empty() && Address::numeric(given.host, given.port);
  return is_address ? std::string_view() : name_fault(given.host);
}

// "srv:_http._tcp.app.example"; what looks like that and is "srv:80" is a host of that name.
std::optional<std::string_view> service_of(std::string_view text) {
  constexpr std::string_view kServices = "srv:";
  if (!text.starts_with(kServices)) return std::nullopt;
  const std::string_view name = text.substr(kServices.size());
  if (parse_decimal(name, UINT16_MAX).has_value()) return std::nullopt;
  return name;
}

std::string_view service_fault(std::string_view name) {
  if (name.empty()) return "no name behind \"srv:\"";
  return name.find(':') != name.npos ? "a port, which the records of a service have themselves"
                                     : name_fault(name);
}

bool is_name_server(std::string_view text) {
  if (Address::numeric(text, 53).has_value()) return true;
  const Result<HostPort, std::string> given = parse_host_port(text);
  return given && given->port != 0 && !given->host.empty() &&
         Address::numeric(given->host, given->port).has_value();
}

std::string_view host_fault(std::string_view text) {
  if (text.empty()) return {};
  if (const auto address = Address::numeric(text, 0)) {
    return address->is_v6() ? "an IPv6 address is no host of a route" : "";
  }
  return name_fault(text.starts_with("*.") ? text.substr(2) : text);
}

bool is_hex_digit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// What a request target without its query can be.
bool is_path(std::string_view text) {
  constexpr std::string_view kNever = "?#\\";
  if (!text.starts_with('/')) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c <= ' ' || c >= 0x7f || kNever.find(c) != kNever.npos) return false;
    const bool escape =
        i + 2 < text.size() && is_hex_digit(text[i + 1]) && is_hex_digit(text[i + 2]);
    if (c == '%' && !escape) return false;
  }
  return true;
}

// What is gone from every path before routes see it ([server.paths]), so that the route would match
// nothing. `text` is_path().
std::string_view unmatched_path_fault(std::string_view text) {
  if (text.find(';') != text.npos) return "a parameter, and those take no part in matching";
  if (text.find("//") != text.npos) return "a doubled slash, and those count as one";
  for (size_t i = text.find('%'); i != text.npos; i = text.find('%', i + 1)) {
    constexpr std::string_view kNever[] = {"2f", "5c", "3b", "3f", "23", "2e", "00"};
    const auto same = [&](std::string_view digits) {
      return equals_ignoring_case(digits, text.substr(i + 1, 2));
    };
    if (std::ranges::any_of(kNever, same)) return "an encoded delimiter, dot or NUL";
  }
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('/', at + 1), text.size());
    const std::string_view segment = text.substr(at + 1, end - at - 1);
    if (segment == "." || segment == "..") return "a dot segment, and those are resolved";
    at = end;
  }
  return {};
}

std::string_view file_fault(std::string_view text) {
  if (text.starts_with("-----BEGIN")) return "what is in a file, not where it is";
  const bool has_control = std::ranges::any_of(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  return has_control ? "a control character" : "";
}

// sockaddr_un has room for so many bytes, and one that ends them.
constexpr size_t kLongestSocketPath = 107;

std::string socket_fault(std::string_view text) {
  if (text.size() > kLongestSocketPath)
    return fmt::format("a path of {} bytes; the kernel takes {} at most", text.size(),
                       kLongestSocketPath);
  if (text.ends_with('/')) return "a folder; the socket needs a name in it";
  return std::string(file_fault(text));
}

// "unix:/run/app.sock"; what looks like that and is "unix:80" is a host of that name.
std::optional<std::string_view> unix_path_of(std::string_view text) {
  const bool is_one = text.starts_with(kUnixPrefix) &&
                      !parse_decimal(text.substr(kUnixPrefix.size()), UINT16_MAX).has_value();
  return is_one ? std::optional(text.substr(kUnixPrefix.size())) : std::nullopt;
}

std::string unix_path_fault(std::string_view path) {
  if (path.empty()) return "no path behind \"unix:\"";
  if (path.starts_with('@')) return "there are no abstract sockets, only paths";
  if (!path.starts_with('/')) return "a path that does not begin with \"/\"";
  return socket_fault(path);
}

bool is_file_mode(std::string_view text) {
  const bool octal = std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '7'; });
  return octal && (text.size() == 3 || (text.size() == 4 && text.front() == '0'));
}

// Short ones can be guessed; what is no visible character cannot be sent in a field.
bool is_token(std::string_view text) {
  const bool visible = std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
  return visible && text.size() >= 16 && text.size() <= 512;
}

std::string_view server_name_fault(std::string_view text) {
  return text.empty() || Address::numeric(text, 0) ? std::string_view() : name_fault(text);
}

// The addresses whose connections a socket bound to `address` gets. Linux gives [::] those of IPv4.
AddressBlock taken_by(const Address& address) {
  const std::string ip = address.ip();
  if (ip == "::") return *AddressBlock::parse("::/0");
  const bool any_v4 = AddressBlock::parse("0.0.0.0")->contains(address);
  return *AddressBlock::parse(any_v4 ? "0.0.0.0/0" : ip);
}

}  // namespace

bool made_of(std::string_view text, std::string_view more) {
  return std::ranges::all_of(
      text, [more](char c) { return is_letter_or_digit(c) || more.find(c) != more.npos; });
}

bool fits(Text rule, std::string_view text) {
  switch (rule) {
    case Text::admin_address:
      if (text.empty()) return true;
      [[fallthrough]];
    case Text::listen_address: {
      const auto path = rule == Text::listen_address ? unix_path_of(text) : std::nullopt;
      if (path) return unix_path_fault(*path).empty();
      const Result<HostPort, std::string> given = parse_host_port(text);
      return given && listen_address(*given).has_value();
    }
    case Text::name_server:
      return is_name_server(text);
    case Text::endpoint_address: {
      if (const auto service = service_of(text)) return service_fault(*service).empty();
      if (const auto path = unix_path_of(text)) return unix_path_fault(*path).empty();
      const Result<HostPort, std::string> given = parse_host_port(text);
      return given && given->port != 0 && endpoint_fault(*given).empty();
    }
    case Text::block:
      return Peers::is_one(text);
    case Text::file_mode:
      return is_file_mode(text);
    case Text::host:
      return host_fault(text).empty();
    case Text::path:
      return is_path(text) && pattern_fault(text).empty() && unmatched_path_fault(text).empty();
    case Text::upstream:
    case Text::rate_limit:
      return !text.empty();
    case Text::file:
    case Text::file_pattern:
      return !text.empty() && file_fault(text).empty();
    case Text::optional_file:
      return file_fault(text).empty();
    case Text::ciphers:
      return made_of(text, "_-+!@=:");
    case Text::field:
      return text.empty() || field_fault(text).empty();
    case Text::identity_field:
      return identity_field_fault(text).empty();
    case Text::forwarded_form:
      return text == "x-forwarded" || text == "x-real-ip" || text == "forwarded";
    case Text::server_name:
      return server_name_fault(text).empty();
    case Text::optional_socket:
      return socket_fault(text).empty();
    case Text::token:
      return text.empty() || is_token(text);
    case Text::log_file:
      return file_fault(text).empty();
    case Text::access_format:
      return access_format_fault(text).empty();
    case Text::rate_key:
    case Text::table_name:
    case Text::status_class:
    case Text::method:
    case Text::request_path:
    case Text::status:
    case Text::any:
    case Text::failure:
    case Text::hash_key:
    case Text::zone:
    case Text::cookie:
    case Text::cookie_path:
      return fits_word(rule, text);
  }
  return false;
}

std::string reason_against(Text rule, std::string_view text) {
  switch (rule) {
    case Text::host: {
      std::string meant = meant_host(text);
      return meant.empty() ? std::string(host_fault(text)) : meant;
    }
    case Text::listen_address:
      if (const auto path = unix_path_of(text)) return unix_path_fault(*path);
      return meant_listen_address(text);
    case Text::admin_address:
      if (unix_path_of(text) || text.starts_with('/'))
        return "a unix socket is for the key `control`";
      return meant_listen_address(text);
    case Text::path: {
      std::string fault = pattern_fault(text);
      if (fault.empty() && is_path(text)) fault = unmatched_path_fault(text);
      return fault;
    }
    case Text::endpoint_address: {
      if (text.find("://") != text.npos) {
        return "a scheme; `protocol` and a table [upstream.NAME.tls] say what is spoken";
      }
      if (const auto service = service_of(text)) return std::string(service_fault(*service));
      if (const auto path = unix_path_of(text)) return unix_path_fault(*path);
      const Result<HostPort, std::string> given = parse_host_port(text);
      return given && !given->host.empty() ? std::string(endpoint_fault(*given)) : std::string();
    }
    case Text::file:
    case Text::optional_file:
    case Text::log_file:
    case Text::file_pattern:
      return std::string(file_fault(text));
    case Text::access_format:
      return access_format_fault(text);
    case Text::field:
      return std::string(field_fault(text));
    case Text::identity_field:
      return std::string(text.empty() ? std::string_view() : identity_field_fault(text));
    case Text::server_name:
      return std::string(server_name_fault(text));
    case Text::optional_socket:
      return socket_fault(text);
    case Text::hash_key: {
      const auto key = HashKey::parse(text);
      return text.empty() || key.has_value() ? std::string() : key.error();
    }
    case Text::zone:
    case Text::cookie:
    case Text::cookie_path:
    case Text::block:
    case Text::file_mode:
    case Text::name_server:
    case Text::upstream:
    case Text::rate_limit:
    case Text::rate_key:
    case Text::table_name:
    case Text::ciphers:
    case Text::forwarded_form:
    case Text::token:
    case Text::status_class:
    case Text::failure:
    case Text::method:
    case Text::request_path:
    case Text::status:
    case Text::any:
      return {};
  }
  return {};
}

std::string normal(Text rule, std::string text) {
  const bool is_name = rule == Text::host || rule == Text::server_name;
  const bool ends_in_dot = is_name && text.size() > 1 && text.ends_with('.');
  if (ends_in_dot && fits(rule, std::string_view(text).substr(0, text.size() - 1))) text.pop_back();
  return text;
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

std::string in_quotes(std::string_view text) {
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

std::string in_quotes_short(std::string_view text) {
  if (text.size() <= kLongestShown) return in_quotes(text);
  return in_quotes(text.substr(0, kLongestShown)) + "...";
}

std::string shown(std::string_view text) {
  return text.empty() ? "an empty string" : in_quotes_short(text);
}

std::string canonical(Text rule, std::string_view text) {
  if (rule == Text::field) return canonical_field(text);
  if (rule != Text::endpoint_address) return lower(text);
  if (unix_path_of(text)) return std::string(text);
  const Result<HostPort, std::string> given = parse_host_port(text);
  if (!given) return lower(text);
  const std::optional<Address> address = Address::numeric(given->host, given->port);
  return address ? address->to_string() : fmt::format("{}:{}", lower(given->host), given->port);
}

Overlap overlap(std::string_view one, std::string_view other) {
  if (unix_path_of(one) || unix_path_of(other)) return one == other ? Overlap::same : Overlap::none;
  const Result<HostPort, std::string> one_given = parse_host_port(one);
  const Result<HostPort, std::string> other_given = parse_host_port(other);
  if (!one_given || !other_given) return Overlap::none;
  const std::optional<Address> a = listen_address(*one_given);
  const std::optional<Address> b = listen_address(*other_given);
  if (!a || !b || a->port() != b->port() || a->port() == 0) return Overlap::none;
  const bool a_has_b = taken_by(*a).contains(*b);
  const bool b_has_a = taken_by(*b).contains(*a);
  if (a_has_b && b_has_a) return Overlap::same;
  return a_has_b || b_has_a ? Overlap::partial : Overlap::none;
}

}  // namespace onehop::config
