// SPDX-License-Identifier: MIT
// Limits of the process that are shared out among its workers.
#pragma once

#include <cstddef>
#include <cstdint>

#include "onehop/config/config.h"

namespace onehop::server {

// How many workers it says: "auto" is one for each processor.
size_t worker_count(const config::Config& config);

// How many clients the process may have: what was asked for, else what the descriptors suffice for.
// The log says where they do not suffice.
uint64_t client_limit(const config::Config& config, size_t workers);

// A share of less than one connection would be none: says that the limit is not what was asked.
void warn_of_small_shares(const config::Config& config, size_t workers);

}  // namespace onehop::server
