// SPDX-License-Identifier: MIT
#include "onehop/tls/digest.h"

#include <string>

#include "tests/support/catch.h"

namespace onehop::tls {
namespace {

TEST_CASE("secrets are the same when every byte and their lengths are") {
  CHECK(is_same_secret("", ""));
  CHECK(is_same_secret("0123456789abcdef", std::string("0123456789abcdef")));
  for (const std::string_view other :
       {"", "0", "0123456789abcde", "0123456789abcdef0", "0123456789abcdeF", "1123456789abcdef"})
    CHECK_FALSE(is_same_secret("0123456789abcdef", other));
  CHECK_FALSE(is_same_secret("a", std::string_view("a\0", 2)));
}

// RFC 4231 4.3.
TEST_CASE("HMAC-SHA-256 is that of the RFC") {
  const auto code = hmac_sha256("Jefe", "what do ya want for nothing?");
  CHECK(code[0] == 0x5b);
  CHECK(code[1] == 0xdc);
  CHECK(code[31] == 0x43);
  CHECK(hmac_sha256("Jefe", "what do ya want for nothing") != code);
  CHECK(hmac_sha256("jefe", "what do ya want for nothing?") != code);
}

}  // namespace
}  // namespace onehop::tls
