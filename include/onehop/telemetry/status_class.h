// SPDX-License-Identifier: MIT
// The classes of statuses: the values of the label `class`.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace onehop::telemetry {

// Index 0 is "none" (no response was sent), 1 to 5 are 1xx to 5xx.
constexpr std::array<std::string_view, 6> kStatusClassNames = {"none", "1xx", "2xx",
                                                               "3xx",  "4xx", "5xx"};
constexpr size_t kStatusClassCount = kStatusClassNames.size();

// RFC 9110 15: a status of 600 to 999 is invalid, and a client treats it as a 5xx. It is passed on
// as it is; counted, it is one. 0 is no response.
constexpr size_t status_class(int status) noexcept {
  if (status < 100) return 0;
  return status < 500 ? static_cast<size_t>(status / 100) : 5;
}

}  // namespace onehop::telemetry
