// SPDX-License-Identifier: MIT
// Numbers that are the same for the same text in every thread, process and machine, whatever its
// byte order: to place keys among endpoints. No secret is in them: they are no proof of anything.
#pragma once

#include <cstdint>
#include <string_view>

namespace onehop {

// Each bit of the result depends on all of `value` (the last step of MurmurHash3).
constexpr uint64_t mixed(uint64_t value) noexcept {
  value = (value ^ (value >> 33)) * 0xFF51AFD7ED558CCDu;
  value = (value ^ (value >> 33)) * 0xC4CEB9FE1A85EC53u;
  return value ^ (value >> 33);
}

// FNV-1a, mixed: its own low bits follow the last letters too closely.
constexpr uint64_t hash_of(std::string_view text) noexcept {
  uint64_t hash = 0xCBF29CE484222325u;
  for (const char c : text) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001B3u;
  return mixed(hash);
}

}  // namespace onehop
