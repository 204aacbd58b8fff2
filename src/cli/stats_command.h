// SPDX-License-Identifier: MIT
// `onehop stats`: asks a running proxy's admin endpoint and prints the table once.
#pragma once

#include <string>

#include "admin_client.h"
#include "onehop/admin/table.h"

namespace onehop::cli {

struct StatsOptions {
  AdminDoor door;
  std::string window = "total";  // of the latencies: one of those that /stats has
  bool json = false;             // the raw document instead of the table
};

// Returns the exit code: 0; 1 when the endpoint cannot be reached or does not answer as one; 2 when
// the door is none.
int run_stats(const StatsOptions& options);

// How a table is written to a descriptor: with colour to a terminal, unless the environment has
// NO_COLOR or says that the terminal is dumb.
admin::Ink table_ink(int descriptor);

}  // namespace onehop::cli
