// SPDX-License-Identifier: MIT
#include "onehop/base/base64.h"

#include <algorithm>
#include <string_view>

namespace onehop {

std::string to_base64(std::span<const uint8_t> bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  constexpr size_t kGroup = 3;  // bytes that make four digits
  std::string text;
  text.reserve((bytes.size() + kGroup - 1) / kGroup * 4);
  while (!bytes.empty()) {
    const size_t size = std::min(bytes.size(), kGroup);
    uint32_t group = 0;
    for (size_t i = 0; i < kGroup; ++i) group = group << 8 | (i < size ? bytes[i] : 0);
    for (size_t i = 0; i < 4; ++i)
      text.push_back(i <= size ? kDigits[group >> (18 - 6 * i) & 63] : '=');
    bytes = bytes.subspan(size);
  }
  return text;
}

}  // namespace onehop
