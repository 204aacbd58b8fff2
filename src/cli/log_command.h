// SPDX-License-Identifier: MIT
// `onehop log`: shows the levels of a running proxy's log, or changes them.
#pragma once

#include <string>

#include "admin_client.h"

namespace onehop::cli {

struct LogOptions {
  AdminDoor door;
  std::string level;  // "": only show
  std::string room;   // "": of all rooms
};

// Prints a line for each room. Returns the exit code: 0; 1 when the proxy cannot be reached or
// refuses; 2 when an option is wrong.
int run_log(const LogOptions& options);

}  // namespace onehop::cli
