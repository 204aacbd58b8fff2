// SPDX-License-Identifier: MIT
#include "target.h"

#include <algorithm>
#include <array>

#include "onehop/base/ascii.h"

namespace onehop::http {

namespace {

// reg-name (RFC 3986 3.2.2): unreserved, percent-encoded, sub-delims but for the comma, which would
// make a list of it.
constexpr std::array<bool, 256> kNameCharacters = [] {
  std::array<bool, 256> table{};
  for (const char c : std::string_view("-._~!$&'()*+;=")) table[static_cast<uint8_t>(c)] = true;
  for (size_t i = 0; i < table.size(); ++i) table[i] |= levelled(static_cast<char>(i)) != '-';
  return table;
}();

bool is_registered_name(std::string_view name) {
  const auto is_hex = [](char c) {
    return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'f');
  };
  for (size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    if (kNameCharacters[static_cast<uint8_t>(c)]) continue;
    if (c != '%' || i + 2 >= name.size() || !is_hex(name[i + 1]) || !is_hex(name[i + 2]))
      return false;
  }
  return true;
}

}  // namespace

bool is_authority(std::string_view text) {
  std::string_view host = text;
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == std::string_view::npos || end < 3) return false;
    host = text.substr(1, end - 1);
    for (char c : host) {
      const bool allowed =
          is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'f') || c == ':' || c == '.';
      if (!allowed) return false;
    }
    text.remove_prefix(end + 1);
  } else {
    const size_t colon = text.find(':');
    host = text.substr(0, colon);
    text.remove_prefix(host.size());
    if (!is_registered_name(host)) return false;
  }
  if (host.empty()) return false;
  if (text.empty()) return true;
  return text.front() == ':' &&
         (text.size() == 1 || parse_decimal(text.substr(1), 65535).has_value());
}

namespace {

constexpr size_t kBlock = 32;

// What a byte of a target says.
constexpr uint8_t kForbidden = 1, kOutsideAscii = 2, kBackslash = 4;
constexpr uint8_t said_by(uint8_t c) {
  const auto as_bit = [](bool said) { return static_cast<unsigned>(said); };
  const unsigned forbidden = as_bit(c <= 0x20) | as_bit(c == 0x7f) | as_bit(c == '#');
  return static_cast<uint8_t>(forbidden * kForbidden | as_bit(c >= 0x80) * kOutsideAscii |
                              as_bit(c == '\\') * kBackslash);
}

}  // namespace

// The verdicts are or-ed, each in its place of a block, so that the compiler makes vector code of
// it (as h1::look_at does it for a whole head).
bool has_forbidden_character(std::string_view target, config::Targets allowed) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(target.data());
  std::array<uint8_t, kBlock> said{};
  size_t i = 0;
  for (; i + kBlock <= target.size(); i += kBlock) {
    for (size_t k = 0; k < kBlock; ++k) said[k] |= said_by(bytes[i + k]);
  }
  uint8_t all = 0;
  for (const uint8_t one : said) all |= one;
  for (; i < target.size(); ++i) all |= said_by(bytes[i]);
  if ((all & kForbidden) != 0) return true;
  if ((all & kOutsideAscii) != 0 && allowed == config::Targets::strict) return true;
  return (all & kBackslash) != 0 && target.find('\\') < target.find('?');
}

Result<Target, Violation> check_target(std::string_view target, Method method, const Fields& fields,
                                       uint8_t version_minor, config::Targets allowed) {
  if (has_forbidden_character(target, allowed)) return Unexpected<Violation>(Violation::bad_target);
  const size_t hosts = fields.count(FieldId::host);
  if (hosts > 1 || (hosts == 0 && version_minor >= 1))
    return Unexpected<Violation>(Violation::bad_host);
  Target result;
  if (hosts == 1) {
    result.authority = fields.find(FieldId::host)->value;
    if (!is_authority(result.authority)) return Unexpected<Violation>(Violation::bad_host);
  }
  if (target.front() == '/' || (target == "*" && method == Method::options)) {
    result.path = target;
    return result;
  }
  const size_t scheme_end = target.find("://");
  if (scheme_end == std::string_view::npos) return Unexpected<Violation>(Violation::bad_target);
  const std::string_view scheme = target.substr(0, scheme_end);
  if (!equals_ignoring_case(scheme, "http") && !equals_ignoring_case(scheme, "https")) {
    return Unexpected<Violation>(Violation::bad_target);
  }
  // absolute-form: its authority counts, whatever Host says (RFC 9112 3.2.2).
  const std::string_view rest = target.substr(scheme.size() + 3);
  const size_t end = rest.find_first_of("/?");
  result.authority = rest.substr(0, end);
  if (!is_authority(result.authority)) return Unexpected<Violation>(Violation::bad_target);
  result.path =
      end == std::string_view::npos ? (method == Method::options ? "*" : "/") : rest.substr(end);
  return result;
}

}  // namespace onehop::http
