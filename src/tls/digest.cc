// SPDX-License-Identifier: MIT
#include "onehop/tls/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "onehop/base/assert.h"

namespace onehop::tls {

std::array<uint8_t, 20> sha1(std::string_view text) {
  std::array<uint8_t, 20> digest{};
  ONEHOP_ASSERT(EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha1(), nullptr) ==
                1);
  return digest;
}

std::string sha256_hex(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::array<uint8_t, 32> digest{};
  ONEHOP_ASSERT(
      EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr) == 1);
  std::string hex;
  for (const uint8_t byte : digest) {
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

std::array<uint8_t, 32> hmac_sha256(std::string_view key, std::string_view text) {
  std::array<uint8_t, 32> code{};
  unsigned length = 0;
  ONEHOP_ASSERT(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
                     reinterpret_cast<const uint8_t*>(text.data()), text.size(), code.data(),
                     &length) != nullptr &&
                length == code.size());
  return code;
}

// Of digests, which are as long as each other whatever was given.
bool is_same_secret(std::string_view one, std::string_view other) {
  const auto digest_of = [](std::string_view secret) {
    std::array<uint8_t, 32> digest{};
    ONEHOP_ASSERT(EVP_Digest(secret.data(), secret.size(), digest.data(), nullptr, EVP_sha256(),
                             nullptr) == 1);
    return digest;
  };
  const auto one_digest = digest_of(one);
  const auto other_digest = digest_of(other);
  return CRYPTO_memcmp(one_digest.data(), other_digest.data(), one_digest.size()) == 0;
}

void fill_random(std::span<uint8_t> bytes) {
  ONEHOP_ASSERT(RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) == 1);
}

}  // namespace onehop::tls
