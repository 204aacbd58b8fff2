// SPDX-License-Identifier: MIT
#include "stats_command.h"
namespace onehop::server { int run_stats(const StatsOptions&) { return 1; } }
