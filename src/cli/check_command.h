// SPDX-License-Identifier: MIT
// `onehop check`: what is wrong with a configuration, and what is probably not meant.
#pragma once

#include <string>

namespace onehop::cli {

// Looks names of endpoints up, too. `path` "-" is standard input. Returns the exit code: warnings
// leave it at 0.
int run_check(const std::string& path);

}  // namespace onehop::cli
