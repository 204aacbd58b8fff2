// SPDX-License-Identifier: MIT
#include "onehop/base/keyed_hash.h"

#include <sys/random.h>

#include <bit>

#include "onehop/base/assert.h"

namespace onehop {
namespace {

struct State {
  uint64_t a, b, c, d;

  void rounds(int count) noexcept {
    for (; count > 0; --count) {
      a += b;
      b = std::rotl(b, 13) ^ a;
      a = std::rotl(a, 32);
      c += d;
      d = std::rotl(d, 16) ^ c;
      a += d;
      d = std::rotl(d, 21) ^ a;
      c += b;
      b = std::rotl(b, 17) ^ c;
      c = std::rotl(c, 32);
    }
  }
  void take(uint64_t word) noexcept {
    d ^= word;
    rounds(2);
    a ^= word;
  }
};

// The next bytes of the text, the first the lowest.
uint64_t word_of(const char* bytes, size_t count) noexcept {
  uint64_t word = 0;
  for (size_t i = 0; i < count; ++i)
    word |= uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  return word;
}

}  // namespace

HashSecret HashSecret::random() {
  HashSecret key;
  ONEHOP_ASSERT(::getrandom(&key, sizeof key, 0) == sizeof key);  // so few bytes come at once
  return key;
}

uint64_t keyed_hash(const HashSecret& key, std::string_view text) noexcept {
  State state{key.first ^ 0x736f6d6570736575, key.second ^ 0x646f72616e646f6d,
              key.first ^ 0x6c7967656e657261, key.second ^ 0x7465646279746573};
  const size_t whole = text.size() / 8 * 8;
  for (size_t at = 0; at < whole; at += 8) state.take(word_of(text.data() + at, 8));
  state.take(uint64_t{text.size()} << 56 | word_of(text.data() + whole, text.size() - whole));
  state.c ^= 0xff;
  state.rounds(4);
  return state.a ^ state.b ^ state.c ^ state.d;
}

}  // namespace onehop
