// SPDX-License-Identifier: MIT
// ASCII text as HTTP knows it: no locale, no allocation.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace onehop {

constexpr char to_lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}
constexpr bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}
constexpr bool is_blank(char c) noexcept {
  return c == ' ' || c == '\t';
}

// A character of a field's name as a CGI-like variable has it: in letters and digits alone do such
// names differ, so "X-Real-IP", "x_real_ip" and "X.Real.IP" are one.
inline constexpr std::array<char, 256> kLevelled = [] {
  std::array<char, 256> table{};
  for (size_t i = 0; i < table.size(); ++i) {
    const char lower = to_lower(static_cast<char>(i));
    table[i] = is_digit(lower) || (lower >= 'a' && lower <= 'z') ? lower : '-';
  }
  return table;
}();
constexpr char levelled(char c) noexcept {
  return kLevelled[static_cast<uint8_t>(c)];
}

constexpr bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (to_lower(a[i]) != to_lower(b[i])) return false;
  }
  return true;
}

constexpr std::string_view trim_blanks(std::string_view text) noexcept {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// 1*DIGIT and nothing else, at most `limit`; zeros before it change nothing, however many.
constexpr std::optional<uint64_t> parse_decimal(std::string_view text,
                                                uint64_t limit = INT64_MAX) noexcept {
  while (text.size() > 19 && text.front() == '0') text.remove_prefix(1);
  if (text.empty() || text.size() > 19) return std::nullopt;
  uint64_t value = 0;
  for (char c : text) {
    if (!is_digit(c)) return std::nullopt;
    value = value * 10 + static_cast<uint64_t>(c - '0');
  }
  if (value > limit) return std::nullopt;
  return value;
}

// Calls visit(element) for each element of a comma-separated list, blanks trimmed, empty ones left
// out (RFC 9110 5.6.1). Stops when visit returns true, and returns whether one did. Quoted commas
// are not special: none of the lists read here has them. What stands behind the first
// kMostListElements is not looked at: no list that means something is as long.
inline constexpr size_t kMostListElements = 100;
template <class Visit>
constexpr bool any_list_element(std::string_view list, Visit visit) {
  for (size_t i = 0; i < kMostListElements && !list.empty(); ++i) {
    const size_t comma = list.find(',');
    const std::string_view element = trim_blanks(list.substr(0, comma));
    if (!element.empty() && visit(element)) return true;
    if (comma == std::string_view::npos) break;
    list.remove_prefix(comma + 1);
  }
  return false;
}

// token = 1*tchar (RFC 9110 5.6.2).
inline constexpr std::array<bool, 256> kTokenChars = [] {
  std::array<bool, 256> table{};
  for (const char c : std::string_view("!#$%&'*+-.^_`|~")) table[static_cast<uint8_t>(c)] = true;
  for (size_t i = 0; i < table.size(); ++i) table[i] |= levelled(static_cast<char>(i)) != '-';
  return table;
}();
constexpr bool is_token_char(char c) noexcept {
  return kTokenChars[static_cast<uint8_t>(c)];
}
constexpr bool is_token(std::string_view text) noexcept {
  bool all = true;
  for (const char c : text) all &= is_token_char(c);
  return all && !text.empty();
}

}  // namespace onehop
