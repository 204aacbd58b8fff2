// SPDX-License-Identifier: MIT
#include "host_name.h"

#include <algorithm>
#include <cstddef>

#include "onehop/base/ascii.h"

namespace onehop::config {
namespace {

constexpr size_t kLongestName = 253;  // RFC 1035, section 2.3.4, as text
constexpr size_t kLongestLabel = 63;

bool is_name_character(char c) {
  return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'z') || c == '-' || c == '_';
}

bool is_hex_digit(char c) {
  return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'f');
}

// Decimal or hexadecimal, as inet_aton() reads the parts of an address.
bool is_number(std::string_view label) {
  if (label.starts_with("0x") || label.starts_with("0X")) {
    return std::ranges::all_of(label.substr(2), is_hex_digit);
  }
  return std::ranges::all_of(label, is_digit);
}

std::string_view label_fault(std::string_view label) {
  if (label.empty()) return "an empty label";
  if (!std::ranges::all_of(label, is_name_character)) return "a character that no name has";
  if (label.size() > kLongestLabel) return "a label is longer than 63 characters";
  if (label.front() == '-' || label.back() == '-') return "a label begins or ends with \"-\"";
  return {};
}

}  // namespace

std::string_view name_fault(std::string_view text) {
  std::string_view rest = text;
  for (;;) {
    const size_t dot = rest.find('.');
    const std::string_view label = rest.substr(0, dot);
    if (const std::string_view fault = label_fault(label); !fault.empty()) return fault;
    if (dot != rest.npos) {
      rest.remove_prefix(dot + 1);
      continue;
    }
    if (is_number(label)) return "its end is a number, and it is no IPv4 address";
    return text.size() > kLongestName ? "the name is longer than 253 characters"
                                      : std::string_view();
  }
}

}  // namespace onehop::config
