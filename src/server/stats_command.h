// SPDX-License-Identifier: MIT
// `onehop stats`: asks a running proxy's admin endpoint and prints the table once.
#pragma once

#include <string>

namespace onehop::server {

struct StatsOptions {
  std::string admin = "127.0.0.1:9900";
  bool json = false;  // the raw document instead of the table
};

// Returns the exit code: 0, or 1 when the endpoint cannot be reached or does not answer as one.
int run_stats(const StatsOptions& options);

}  // namespace onehop::server
