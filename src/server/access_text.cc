// SPDX-License-Identifier: MIT
#include "access_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>

namespace onehop::server {
namespace {

constexpr std::string_view kHexDigits = "0123456789ABCDEF";

constexpr bool printable(unsigned char c) {
  return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

// Bytes that stand for themselves in both notations.
constexpr std::array<bool, 256> plain_bytes() {
  std::array<bool, 256> plain{};
  for (size_t i = 0; i < plain.size(); ++i) plain[i] = printable(static_cast<unsigned char>(i));
  return plain;
}
constexpr std::array<bool, 256> kPlain = plain_bytes();

size_t plain_run(std::string_view text, size_t from) {
  size_t at = from;
  while (at < text.size() && kPlain[static_cast<unsigned char>(text[at])]) ++at;
  return at - from;
}

// The length of the character of two bytes or more that begins here; 0 where that is no UTF-8: a
// part of one, a longer form than needed, a surrogate, or beyond U+10FFFF.
size_t character_at(std::string_view text) {
  const auto byte = [&](size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const unsigned first = byte(0);
  const unsigned second = byte(1);
  const auto follows = [&](size_t i) { return (byte(i) & 0xC0u) == 0x80u; };
  if (first >= 0xC2 && first <= 0xDF) return follows(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F)) return 0;
    return follows(1) && follows(2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    if ((first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F)) return 0;
    return follows(1) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

void append_code(std::string& out, unsigned char c) {
  out += "\\u00";
  out += {kHexDigits[c >> 4], kHexDigits[c & 15]};
}

// What does not stand for itself; returns how many bytes it was.
size_t append_json_special(std::string& out, std::string_view text) {
  const auto c = static_cast<unsigned char>(text.front());
  if (c == '"' || c == '\\') {
    out += {'\\', static_cast<char>(c)};
    return 1;
  }
  if (c < 0x80) {
    append_code(out, c);
    return 1;
  }
  const size_t length = character_at(text);
  const bool is_control = length == 2 && c == 0xC2 && static_cast<unsigned char>(text[1]) < 0xA0;
  if (is_control) {
    append_code(out, static_cast<unsigned char>(text[1]));
  } else if (length > 0) {
    out += text.substr(0, length);
  } else {
    out += "\\uFFFD";
    return 1;
  }
  return length;
}

}  // namespace

void append_json(std::string& out, std::string_view text) {
  out += '"';
  for (size_t at = 0; at < text.size();) {
    const size_t run = plain_run(text, at);
    out.append(text, at, run);
    at += run;
    if (at < text.size()) at += append_json_special(out, text.substr(at));
  }
  out += '"';
}

void append_escaped(std::string& out, std::string_view text, char end) {
  for (size_t at = 0; at < text.size();) {
    const size_t run = std::min(plain_run(text, at), text.find(end, at) - at);
    out.append(text, at, run);
    at += run;
    if (at == text.size()) return;
    const auto c = static_cast<unsigned char>(text[at++]);
    out += {'\\', 'x', kHexDigits[c >> 4], kHexDigits[c & 15]};
  }
}

void append_number(std::string& out, uint64_t number) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), static_cast<size_t>(end - digits.data()));
}

void TimeText::use(int64_t second) {
  if (second == second_) return;
  second_ = second;
  constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t time = second;
  std::tm utc{};
  ::gmtime_r(&time, &utc);
  const int year = utc.tm_year + 1900;
  const auto month = static_cast<size_t>(utc.tm_mon);
  rfc3339_ = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.", year, month + 1, utc.tm_mday,
                         utc.tm_hour, utc.tm_min, utc.tm_sec);
  combined_ = fmt::format("{:02}/{}/{:04}:{:02}:{:02}:{:02} +0000", utc.tm_mday, kMonths.at(month),
                          year, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

void TimeText::append_rfc3339(std::string& out, int64_t unix_ns) {
  use(unix_ns / 1'000'000'000);
  out += rfc3339_;
  std::array<char, 6> digits;
  auto micros = static_cast<unsigned>(unix_ns % 1'000'000'000 / 1000);
  for (size_t i = digits.size(); i-- > 0; micros /= 10)
    digits[i] = static_cast<char>('0' + micros % 10);
  out.append(digits.data(), digits.size());
  out += 'Z';
}

void TimeText::append_combined(std::string& out, int64_t unix_ns) {
  use(unix_ns / 1'000'000'000);
  out += combined_;
}

}  // namespace onehop::server
