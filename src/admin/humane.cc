// SPDX-License-Identifier: MIT
#include "humane.h"

#include <fmt/format.h>

#include <cmath>
#include <iterator>
#include <string_view>

namespace onehop::admin {

namespace {

// The thresholds are where rounding would show a fourth digit: 9.995 is "10.0", not "10.00".
std::string three_digits(double value) {
  if (value < 9.995) return fmt::format("{:.2f}", value);
  if (value < 99.95) return fmt::format("{:.1f}", value);
  return fmt::format("{:.0f}", value);
}

std::string with_commas(uint64_t count) {
  const std::string digits = fmt::format("{}", count);
  std::string text;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

}  // namespace

std::string duration_text(uint64_t us) {
  const auto value = static_cast<double>(us);
  if (us < 1000) return fmt::format("{} us", us);
  if (value < 999.5e3) return three_digits(value / 1e3) + " ms";
  if (value < 999.5e6) return three_digits(value / 1e6) + " s";
  if (value < 3600e6) return three_digits(value / 60e6) + " min";
  if (value < 48 * 3600e6) return three_digits(value / 3600e6) + " h";
  return three_digits(value / (24 * 3600e6)) + " d";
}

std::string count_text(uint64_t count) {
  const auto value = static_cast<double>(count);
  if (count < 10'000'000) return with_commas(count);
  if (value < 999.5e6) return three_digits(value / 1e6) + " M";
  if (value < 999.5e9) return three_digits(value / 1e9) + " G";
  return three_digits(value / 1e12) + " T";
}

std::string size_text(uint64_t bytes) {
  if (bytes < 1000) return fmt::format("{} B", bytes);
  constexpr std::string_view kUnits[] = {"KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  for (; value >= 999.5 && unit + 1 < std::size(kUnits); ++unit) value /= 1024;
  return fmt::format("{} {}", three_digits(value), kUnits[unit]);
}

std::string rate_text(double per_second) {
  if (per_second < 999.95) return fmt::format("{:.1f}", per_second);
  return count_text(static_cast<uint64_t>(std::llround(per_second)));
}

}  // namespace onehop::admin
