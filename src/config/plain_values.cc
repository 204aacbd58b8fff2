// SPDX-License-Identifier: MIT
#include "plain_values.h"

#include <charconv>
#include <cmath>

#include "onehop/config/config.h"

namespace onehop::config {
namespace {

std::optional<double> parse_number(std::string_view text) {
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end) return std::nullopt;
  return number;
}

}  // namespace

std::optional<uint32_t> share_of(double share) {
  if (!(share >= 0 && share <= 1)) return std::nullopt;
  return static_cast<uint32_t>(std::lround(share * AccessLog::kAll));
}

std::optional<uint32_t> parse_share(std::string_view text, Digits digits) {
  if (text == "auto") return AccessLog::kAutomatic;
  const auto number = digits == Digits::taken ? parse_number(text) : std::nullopt;
  return number.has_value() ? share_of(*number) : std::nullopt;
}

}  // namespace onehop::config
