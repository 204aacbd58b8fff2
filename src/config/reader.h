// SPDX-License-Identifier: MIT
// From TOML text to a Config and the place of every value. Reads types, units, variables and single
// ranges; what one value alone cannot tell is left to check(). toml++ is seen by reader.cc and
// toml_node alone.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "onehop/config/load.h"

namespace onehop::config {

struct Place {
  uint32_t line = 1;
  uint32_t column = 1;
};

using Places = std::map<std::string, Place, std::less<>>;

// The place of the path, or of the nearest table above it when the file does not have the key.
Place place_of(const Places& places, std::string_view path);

struct Reading {
  Config config;
  std::vector<Problem> problems;
  Places places;                               // of every value and table, by its path
  std::set<std::string, std::less<>> refused;  // paths that have a problem already
};

// Relative paths of files are joined to the folder of `file`. The error is text that is not TOML:
// nothing behind it can be trusted.
Result<Reading, Problem> read(std::string_view text, std::string_view file, const Lookup& lookup);

}  // namespace onehop::config
