// SPDX-License-Identifier: MIT
// `onehop reload`: has a running proxy load its configuration file again, and says what came of it.
#pragma once

#include "admin_client.h"

namespace onehop::cli {

struct ReloadOptions {
  AdminDoor door;
};

// Returns the exit code: 0 when it is in force; 1 when it was refused, or the endpoint cannot be
// reached; 2 when the door is none.
int run_reload(const ReloadOptions& options);

}  // namespace onehop::cli
