// SPDX-License-Identifier: MIT
#include "onehop/config/units.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <span>

#include "onehop/base/ascii.h"

namespace onehop::config {
namespace {

struct Unit {
  std::string_view name;
  uint64_t scale;
};

// Smallest first. The last unit that divides a value is the one it is printed in.
constexpr std::array kDurationUnits{Unit{"ms", 1}, Unit{"s", 1000}, Unit{"m", 60'000},
                                    Unit{"h", 3'600'000}};
constexpr std::array kSizeUnits{Unit{"B", 1},
                                Unit{"KB", 1000},
                                Unit{"MB", 1000'000},
                                Unit{"GB", 1000'000'000},
                                Unit{"TB", 1000'000'000'000},
                                Unit{"KiB", uint64_t{1} << 10},
                                Unit{"MiB", uint64_t{1} << 20},
                                Unit{"GiB", uint64_t{1} << 30},
                                Unit{"TiB", uint64_t{1} << 40}};

constexpr size_t kMostFractionDigits = 6;  // 10^6 times the largest scale still fits 64 bits

std::string listed(std::span<const Unit> units) {
  std::string list;
  for (const Unit& unit : units) {
    list += unit.name;
    if (unit.name != units.back().name) list += ", ";
  }
  return list;
}

// "10m", "10 mb" and "10M" are meant to be "10MiB". Empty where it cannot be told.
std::string meant_size(std::string_view text) {
  constexpr std::string_view kLetters = "kKmMgGtT";
  constexpr std::array<std::string_view, 4> kMeant = {"KiB", "MiB", "GiB", "TiB"};
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const size_t unit_at = std::min(text.find_first_not_of(' ', digits), text.size());
  const std::string_view unit = text.substr(unit_at);
  if (digits == 0 || unit.empty() || unit.size() > 3) return {};
  const size_t letter = kLetters.find(unit.front());
  const std::string_view rest = unit.substr(1);
  if (letter == kLetters.npos) return {};
  if (!rest.empty() && !equals_ignoring_case(rest, "b") && !equals_ignoring_case(rest, "ib")) {
    return {};
  }
  return std::string(text.substr(0, digits)).append(kMeant[letter / 2]);
}

std::optional<uint64_t> parse_digits(std::string_view digits) {
  uint64_t number = 0;
  const char* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, number);
  if (error != std::errc() || stop != end) return std::nullopt;
  return number;
}

// whole.fraction * scale, when that is an integer below 2^63 (so that it fits a chrono count too).
std::optional<uint64_t> scaled(uint64_t whole, std::string_view fraction, uint64_t scale) {
  uint64_t product = 0;
  if (__builtin_mul_overflow(whole, scale, &product)) return std::nullopt;
  if (!fraction.empty()) {
    uint64_t tenths = 1;
    for (size_t i = 0; i < fraction.size(); ++i) tenths *= 10;
    const uint64_t part = parse_digits(fraction).value_or(0) * scale;
    if (part % tenths != 0 || __builtin_add_overflow(product, part / tenths, &product)) {
      return std::nullopt;
    }
  }
  if (product > INT64_MAX) return std::nullopt;
  return product;
}

const Unit* find_unit(std::string_view name, std::span<const Unit> units) {
  for (const Unit& unit : units) {
    if (unit.name == name) return &unit;
  }
  return nullptr;
}

Result<uint64_t, std::string> parse(std::string_view text, std::span<const Unit> units,
                                    std::string_view base_name) {
  if (text.starts_with('-')) return Unexpected<std::string>("negative");
  constexpr std::string_view kDigits = "0123456789";
  const size_t unit_at = std::min(text.find_first_not_of("0123456789."), text.size());
  const std::string_view number = text.substr(0, unit_at);
  const std::string_view unit_name = text.substr(unit_at);
  const size_t point = std::min(number.find('.'), number.size());
  const std::string_view whole_digits = number.substr(0, point);
  const std::string_view fraction =
      point < number.size() ? number.substr(point + 1) : std::string_view();

  const Unit* unit = find_unit(unit_name, units);
  const bool bad_fraction =
      point < number.size() &&
      (fraction.empty() || fraction.find_first_not_of(kDigits) != fraction.npos);
  if (unit == nullptr || whole_digits.empty() || bad_fraction) {
    const bool lacks_unit = unit_name.empty() && !whole_digits.empty() && !bad_fraction;
    return Unexpected<std::string>((lacks_unit ? "without a unit: " : "units: ") + listed(units));
  }
  const std::optional<uint64_t> whole = parse_digits(whole_digits);
  if (!whole) return Unexpected<std::string>("too large");
  const std::optional<uint64_t> value =
      fraction.size() <= kMostFractionDigits ? scaled(*whole, fraction, unit->scale) : std::nullopt;
  if (!value) {
    return Unexpected<std::string>(fraction.empty()
                                       ? std::string("too large")
                                       : "not a whole number of " + std::string(base_name));
  }
  return *value;
}

std::string text_of(uint64_t value, std::span<const Unit> units) {
  const Unit* best = &units.front();
  for (const Unit& unit : units) {
    if (value != 0 && value % unit.scale == 0) best = &unit;
  }
  return std::to_string(value / best->scale) + std::string(best->name);
}

}  // namespace

Result<milliseconds, std::string> parse_duration(std::string_view text) {
  if (text == "0") return milliseconds(0);
  return parse(text, kDurationUnits, "ms").map([](uint64_t count) {
    return milliseconds(static_cast<int64_t>(count));
  });
}

Result<PerTime, std::string> parse_per_time(std::string_view text) {
  const size_t slash = std::min(text.find('/'), text.size());
  const std::optional<uint64_t> count = parse_digits(text.substr(0, slash));
  if (slash == text.size())
    return Unexpected<std::string>("without the time that it is for, as in \"100/1s\"");
  if (!count) return Unexpected<std::string>("no whole number before the \"/\"");
  const std::string_view time = text.substr(slash + 1);
  if (find_unit(time, kDurationUnits) != nullptr)
    return parse_duration(std::string("1").append(time)).map([&](milliseconds one) {
      return PerTime{*count, one};
    });
  return parse_duration(time).map([&](milliseconds given) { return PerTime{*count, given}; });
}

Result<uint64_t, std::string> parse_size(std::string_view text) {
  const std::optional<uint64_t> plain = parse_digits(text);
  if (plain && *plain <= INT64_MAX) return *plain;
  Result<uint64_t, std::string> size = parse(text, kSizeUnits, "bytes");
  const bool of_the_unit = !size && size.error().starts_with("units: ");
  const std::string meant = of_the_unit ? meant_size(text) : std::string();
  if (meant.empty()) return size;
  return Unexpected<std::string>(size.error() + "; did you mean \"" + meant + "\"?");
}

std::string duration_text(milliseconds duration) {
  if (duration == milliseconds(0)) return "0s";
  if (duration < milliseconds(0)) return std::to_string(duration.count()) + "ms";
  return text_of(static_cast<uint64_t>(duration.count()), kDurationUnits);
}

std::string size_text(uint64_t bytes) {
  return text_of(bytes, kSizeUnits);
}

}  // namespace onehop::config
