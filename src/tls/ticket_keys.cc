// SPDX-License-Identifier: MIT
#include "ticket_keys.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <algorithm>
#include <utility>

#include "onehop/base/assert.h"

namespace onehop::tls {

TicketKeys::Key::~Key() {
  OPENSSL_cleanse(cipher.data(), cipher.size());
  OPENSSL_cleanse(mac.data(), mac.size());
}

TicketKeys::TicketKeys(std::chrono::milliseconds rotation, Clock::time_point now)
    : rotation_(rotation), current_(fresh(now)) {}

TicketKeys::Key TicketKeys::fresh(Clock::time_point now) {
  Key key;
  key.born = now;
  ONEHOP_ASSERT(RAND_bytes(key.name.data(), static_cast<int>(key.name.size())) == 1);
  ONEHOP_ASSERT(RAND_priv_bytes(key.cipher.data(), static_cast<int>(key.cipher.size())) == 1);
  ONEHOP_ASSERT(RAND_priv_bytes(key.mac.data(), static_cast<int>(key.mac.size())) == 1);
  return key;
}

void TicketKeys::set_rotation(std::chrono::milliseconds rotation) {
  const std::lock_guard lock(mutex_);
  rotation_ = rotation;
}

void TicketKeys::rotate(Clock::time_point now) {
  if (now - current_.born >= rotation_) previous_ = std::exchange(current_, fresh(now));
  if (previous_.has_value() && now - previous_->born >= 2 * rotation_) previous_.reset();
}

namespace {

constexpr size_t kAgeBytes = 8;  // of milliseconds
constexpr size_t kBytes = TicketKeys::kNameBytes + 2 * TicketKeys::kKeyBytes + kAgeBytes;

void append(std::string& text, std::span<const unsigned char> bytes) {
  text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

void append(std::string& text, const TicketKeys::Key& key, TicketKeys::Clock::time_point now) {
  append(text, key.name);
  append(text, key.cipher);
  append(text, key.mac);
  const auto age = std::chrono::duration_cast<std::chrono::milliseconds>(now - key.born).count();
  for (size_t i = 0; i < kAgeBytes; ++i)
    text.push_back(static_cast<char>(static_cast<uint64_t>(age) >> (8 * (kAgeBytes - 1 - i))));
}

// `bytes` are as many as one has.
TicketKeys::Key key_in(std::string_view bytes, TicketKeys::Clock::time_point now) {
  TicketKeys::Key key;
  const auto take = [&](std::span<unsigned char> part) {
    std::ranges::copy(bytes.substr(0, part.size()), part.begin());
    bytes.remove_prefix(part.size());
  };
  take(key.name);
  take(key.cipher);
  take(key.mac);
  uint64_t age = 0;
  for (const char c : bytes) age = age << 8 | static_cast<unsigned char>(c);
  key.born = now - std::chrono::milliseconds(age);
  return key;
}

}  // namespace

std::string TicketKeys::bytes(Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  rotate(now);
  std::string text;
  append(text, current_, now);
  if (previous_.has_value()) append(text, *previous_, now);
  return text;
}

void TicketKeys::use_bytes(std::string_view bytes, Clock::time_point now) {
  if (bytes.size() != kBytes && bytes.size() != 2 * kBytes) return;
  const std::lock_guard lock(mutex_);
  current_ = key_in(bytes.substr(0, kBytes), now);
  previous_.reset();
  if (bytes.size() > kBytes) previous_ = key_in(bytes.substr(kBytes), now);
}

TicketKeys::Key TicketKeys::encrypting(Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  rotate(now);
  return current_;
}

std::optional<TicketKeys::Found> TicketKeys::decrypting(
    std::span<const unsigned char, kNameBytes> name, Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  rotate(now);
  if (std::ranges::equal(name, current_.name)) return Found{current_, false};
  if (previous_.has_value() && std::ranges::equal(name, previous_->name))
    return Found{*previous_, true};
  return std::nullopt;
}

int prepare_ticket(TicketKeys& keys, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                   EVP_MAC_CTX* mac, bool encrypting) noexcept {
  // Looked up once: each EVP_aes_256_cbc() in an init is a search through the providers.
  static EVP_CIPHER* const aes = EVP_CIPHER_fetch(nullptr, "AES-256-CBC", nullptr);
  ONEHOP_ASSERT(aes != nullptr);
  TicketKeys::Found found;
  if (encrypting) {
    found.key = keys.encrypting(TicketKeys::Clock::now());
    std::ranges::copy(found.key.name, name);
    if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(aes)) != 1) return -1;
    if (EVP_EncryptInit_ex2(cipher, aes, found.key.cipher.data(), iv, nullptr) != 1) return -1;
  } else {
    auto known = keys.decrypting(
        std::span<const unsigned char, TicketKeys::kNameBytes>(name, TicketKeys::kNameBytes),
        TicketKeys::Clock::now());
    if (!known.has_value()) return 0;
    found = *known;
    if (EVP_DecryptInit_ex2(cipher, aes, found.key.cipher.data(), iv, nullptr) != 1) return -1;
  }
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, found.key.mac.data(),
                                        found.key.mac.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end()};
  if (EVP_MAC_CTX_set_params(mac, parameters) != 1) return -1;
  return found.renew ? 2 : 1;
}

}  // namespace onehop::tls
