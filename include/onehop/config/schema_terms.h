// SPDX-License-Identifier: MIT
// What the parts of the schema have in common.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <type_traits>

#include "onehop/config/config.h"
#include "onehop/config/rules.h"

namespace onehop::config {

// `T` or `const T`: one description serves visitors that write and visitors that only read.
template <class Given, class T>
concept Some = std::same_as<std::remove_const_t<Given>, T>;

inline constexpr uint64_t kKiB = 1024;
inline constexpr uint64_t kMiB = 1024 * kKiB;
inline constexpr uint64_t kGiB = 1024 * kMiB;
inline constexpr uint64_t kTiB = 1024 * kGiB;
inline constexpr milliseconds kSecond = std::chrono::seconds(1);
inline constexpr milliseconds kMinute = std::chrono::minutes(1);
inline constexpr milliseconds kHour = std::chrono::hours(1);
inline constexpr milliseconds kDay = std::chrono::hours(24);  // more is a mistake in the unit
inline constexpr milliseconds kWeek = std::chrono::hours(168);
inline constexpr milliseconds kTwoYears = std::chrono::hours(17520);

}  // namespace onehop::config
