// SPDX-License-Identifier: MIT
#include "onehop/base/keyed_hash.h"

#include <string>

#include "tests/support/catch.h"

namespace onehop {
namespace {

// The vectors of the reference implementation: the key is 00 01 .. 0f, the text 00 01 .. as long as
// said.
constexpr HashSecret kReference{0x0706050403020100, 0x0f0e0d0c0b0a0908};

std::string counting(size_t size) {
  std::string text;
  for (size_t i = 0; i < size; ++i) text += static_cast<char>(i);
  return text;
}

TEST_CASE("the keyed hash is SipHash-2-4, byte for byte") {
  CHECK(keyed_hash(kReference, counting(0)) == 0x726fdb47dd0e0e31);
  CHECK(keyed_hash(kReference, counting(1)) == 0x74f839c593dc67fd);
  CHECK(keyed_hash(kReference, counting(7)) == 0xab0200f58b01d137);
  CHECK(keyed_hash(kReference, counting(8)) == 0x93f5f5799a932462);
  CHECK(keyed_hash(kReference, counting(15)) == 0xa129ca6149be45e5);
}

TEST_CASE("another key makes another hash of the same text") {
  CHECK(keyed_hash(HashSecret::random(), "192.0.2.1") !=
        keyed_hash(HashSecret::random(), "192.0.2.1"));
}

}  // namespace
}  // namespace onehop
