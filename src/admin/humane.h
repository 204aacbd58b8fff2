// SPDX-License-Identifier: MIT
// Numbers as a person reads them in a narrow column.
#pragma once

#include <cstdint>
#include <string>

namespace onehop::admin {

// Three digits and a unit: "0 us", "987 us", "1.24 ms", "12.4 ms", "124 ms", "1.90 s", "16.7 min",
// "2.50 h".
std::string duration_text(uint64_t us);

// "1,234,567"; from ten million on "12.3 M", then "1.23 G" and "1.23 T".
std::string count_text(uint64_t count);

// Three digits and a unit: "0 B", "987 B", "12.4 MiB".
std::string size_text(uint64_t bytes);

// "0.5", "999.9", then as count_text.
std::string rate_text(double per_second);

}  // namespace onehop::admin
