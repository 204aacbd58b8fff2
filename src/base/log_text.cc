// SPDX-License-Identifier: MIT
#include "log_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <iterator>

namespace onehop::log {
namespace {

struct Character {
  uint32_t code;
  size_t bytes;  // 0: what begins here is not UTF-8
};

// The first character of `text`, which is not empty (RFC 3629: the shortest form, no surrogates).
Character first_of(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  if (byte(0) < 0x80) return {byte(0), 1};
  const size_t bytes = byte(0) < 0xc2   ? 0
                       : byte(0) < 0xe0 ? 2
                       : byte(0) < 0xf0 ? 3
                       : byte(0) < 0xf5 ? 4
                                        : 0;
  if (bytes == 0 || text.size() < bytes) return {0, 0};
  uint32_t code = byte(0) & (0x7fU >> bytes);
  for (size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xc0U) != 0x80) return {0, 0};
    code = code << 6 | (byte(i) & 0x3fU);
  }
  const bool shortest = bytes == 2 || code >= (bytes == 3 ? 0x800U : 0x10000U);
  const bool surrogate = code >= 0xd800 && code < 0xe000;
  return shortest && !surrogate && code < 0x110000 ? Character{code, bytes} : Character{0, 0};
}

bool is_plain(char c, Format format) {
  if (c < ' ' || c > '~') return false;
  return format == Format::text || (c != '"' && c != '\\');
}

bool must_not_stand(uint32_t code) {
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x2028 || code == 0x2029;
}

}  // namespace

std::string one_line(std::string_view message, Format format) {
  const auto plain = [format](char c) { return is_plain(c, format); };
  if (std::ranges::all_of(message, plain)) return std::string(message);
  std::string line;
  line.reserve(message.size() + 16);
  while (!message.empty()) {
    const auto [code, bytes] = first_of(message);
    if (bytes == 0 && format == Format::json) {
      line += "\xef\xbf\xbd";
    } else if (bytes == 0) {
      fmt::format_to(std::back_inserter(line), "\\x{:02x}", static_cast<uint8_t>(message[0]));
    } else if (must_not_stand(code)) {
      fmt::format_to(std::back_inserter(line), "\\u{:04x}", code);
    } else {
      if (code < 0x80 && !plain(message[0])) line += '\\';
      line += message.substr(0, bytes);
    }
    message.remove_prefix(std::max<size_t>(bytes, 1));
  }
  return line;
}

}  // namespace onehop::log
