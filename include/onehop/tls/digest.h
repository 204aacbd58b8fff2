// SPDX-License-Identifier: MIT
// What other protocols want of a library of cryptography.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace onehop::tls {

// FIPS 180-4. Good for what protocols have to compute (RFC 6455 4.2.2), not against forgery.
std::array<uint8_t, 20> sha1(std::string_view text);

// The same, in hexadecimal digits: tells whether two texts are the same one.
std::string sha256_hex(std::string_view text);

// HMAC with SHA-256 (RFC 2104): nobody without the key finds it for a text.
std::array<uint8_t, 32> hmac_sha256(std::string_view key, std::string_view text);

// Whether two secrets are one, in a time that tells nothing of where or how far they differ.
bool is_same_secret(std::string_view one, std::string_view other);

// Bytes that nobody can guess.
void fill_random(std::span<uint8_t> bytes);

}  // namespace onehop::tls
