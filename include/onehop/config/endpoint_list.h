// SPDX-License-Identifier: MIT
// The file that an upstream's endpoints_file names: a list of endpoints, as JSON or TOML.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "onehop/config/config.h"
#include "onehop/config/load.h"

namespace onehop::config {

// At most so many are in one file.
inline constexpr size_t kMostListed = 10'000;

// An entry is what one of [upstream.NAME] endpoints is. Variables are not replaced: whoever writes
// the file need not know onehop's. Every mistake is a problem, with its line where it is TOML;
// where there is one, nothing of the file counts.
using ListResult = Result<std::vector<Endpoint>, std::vector<Problem>>;
ListResult parse_endpoints(std::string_view text, std::string_view file);

// Reads a regular file of at most 4 MiB, and parses it.
ListResult load_endpoints(const std::string& path);

}  // namespace onehop::config
