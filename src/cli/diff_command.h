// SPDX-License-Identifier: MIT
// `onehop diff`: what loading a file would change in a running proxy.
#pragma once

#include <string>

#include "admin_client.h"

namespace onehop::cli {

struct DiffOptions {
  AdminDoor door;
  std::string file;
};

// Prints a line for each difference. Returns the exit code: 0 when nothing is different, 1 when
// something is, 2 when the file has mistakes or the proxy cannot be asked.
int run_diff(const DiffOptions& options);

}  // namespace onehop::cli
