// SPDX-License-Identifier: MIT
#include "plain_values.h"

#include <charconv>
#include <cmath>
#include <filesystem>

#include "onehop/config/config.h"

namespace onehop::config {
namespace {

template <class Number>
std::optional<Number> parse(std::string_view text) {
  Number number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end) return std::nullopt;
  return number;
}

}  // namespace

std::optional<uint64_t> parse_integer(std::string_view text) {
  return parse<uint64_t>(text);
}

std::optional<uint32_t> share_of(double share) {
  if (!(share >= 0 && share <= 1)) return std::nullopt;
  return static_cast<uint32_t>(std::lround(share * AccessLog::kAll));
}

std::optional<uint32_t> parse_share(std::string_view text, Digits digits) {
  if (text == "auto") return AccessLog::kAutomatic;
  const auto number = digits == Digits::taken ? parse<double>(text) : std::nullopt;
  return number.has_value() ? share_of(*number) : std::nullopt;
}

std::string beside(std::string_view configuration, std::string_view path) {
  return (std::filesystem::path(configuration).parent_path() / path).string();
}

}  // namespace onehop::config
