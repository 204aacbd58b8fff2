// SPDX-License-Identifier: MIT
// What the reader makes of text and numbers that stand for something else.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace onehop::config {

// A share in millionths; nothing where it is none. Of text: "auto" too, and with `Digits::taken` a
// number.
enum class Digits : uint8_t { taken, refused };
std::optional<uint32_t> share_of(double share);
std::optional<uint32_t> parse_share(std::string_view text, Digits digits);

}  // namespace onehop::config
