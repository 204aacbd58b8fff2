// SPDX-License-Identifier: MIT
// Numbers with units, both ways: "250ms" and "16KiB". Exact: no floating point on the way.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "onehop/base/result.h"
#include "onehop/config/config.h"

namespace onehop::config {

// "4s", "1.5h", "0". The error is a remark such as `units: ms, s, m, h`.
Result<milliseconds, std::string> parse_duration(std::string_view text);

// "16KiB", "1.5MB", "4096" (bytes). The error is a remark such as `not a whole number of bytes`.
Result<uint64_t, std::string> parse_size(std::string_view text);

// "100/1s", "90/m": so many in so long a time, which may be a unit alone. Whether it is of use says
// the rule (Frequency).
Result<PerTime, std::string> parse_per_time(std::string_view text);

// The shortest exact form, in the largest unit that divides: 600'000 ms is "10m", 8192 is "8KiB".
std::string duration_text(milliseconds duration);
std::string size_text(uint64_t bytes);

}  // namespace onehop::config
