// SPDX-License-Identifier: MIT
// What the reader makes of text and numbers that stand for something else.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace onehop::config {

// Digits and nothing else.
std::optional<uint64_t> parse_integer(std::string_view text);

// A share in millionths; nothing where it is none. Of text: "auto" too, and with `Digits::taken` a
// number.
enum class Digits : uint8_t { taken, refused };
std::optional<uint32_t> share_of(double share);
std::optional<uint32_t> parse_share(std::string_view text, Digits digits);

// Where a file is that the configuration names: what is relative begins where `configuration` is,
// so that a folder with both may be moved, and checked from anywhere.
std::string beside(std::string_view configuration, std::string_view path);

}  // namespace onehop::config
