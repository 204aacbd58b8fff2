// SPDX-License-Identifier: MIT
// Puts pieces of text together in an arena.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string_view>

#include "onehop/base/arena.h"

namespace onehop::proxy {

class Text {
 public:
  // `capacity` is enough for all that is written.
  Text(Arena& arena, size_t capacity) : at_(static_cast<char*>(arena.allocate(capacity, 1))) {}
  Text& operator<<(std::string_view piece) {
    std::copy(piece.begin(), piece.end(), at_ + size_);
    size_ += piece.size();
    return *this;
  }
  Text& operator<<(uint64_t number) {
    char digits[20];
    const char* end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    return *this << std::string_view(digits, static_cast<size_t>(end - digits));
  }
  std::string_view view() const { return {at_, size_}; }

 private:
  char* at_;
  size_t size_ = 0;
};

}  // namespace onehop::proxy
