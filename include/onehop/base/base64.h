// SPDX-License-Identifier: MIT
// Base64 with the alphabet of RFC 4648 4, padded.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace onehop {

std::string to_base64(std::span<const uint8_t> bytes);

}  // namespace onehop
