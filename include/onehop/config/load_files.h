// SPDX-License-Identifier: MIT
// A configuration of several files: the one that is asked for, and those that it includes.
#pragma once

#include <string>
#include <vector>

#include "onehop/config/load.h"

namespace onehop::config {

// What was looked at, whatever came of it.
struct Sources {
  std::vector<std::string> files;     // that were read, the one that was asked for first
  std::vector<std::string> patterns;  // that lead to them: paths, and paths with wildcards
  std::string text;                   // of all files, one behind the other
};

struct Loading {
  Result<Examined, std::vector<Problem>> result;
  Sources sources;
};

// As load(). What came from standard input has no pattern, as it cannot be read again.
Loading load_files(const std::string& path, const Lookup& lookup = environment(),
                   const FurtherCheck& further = {});

}  // namespace onehop::config
