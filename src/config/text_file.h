// SPDX-License-Identifier: MIT
// Files as text, of a size that a configuration may have.
#pragma once

#include <cstdint>
#include <string>

#include "onehop/base/result.h"

namespace onehop::config {

// Ten thousands of routes or endpoints; more is none. Of all files of a configuration together.
inline constexpr size_t kMostText = 4 * 1024 * 1024;
inline constexpr std::string_view kMostTextInWords = "4 MiB";

enum class Kind : uint8_t {
  any,     // a pipe or a device too, and then it waits for it
  regular  // a file, so that nobody waits
};

// Standard input where the path is "-" and the kind is any. The error says why not, such as "No
// such file or directory".
Result<std::string, std::string> read_text(const std::string& path, Kind kind);

}  // namespace onehop::config
