// SPDX-License-Identifier: MIT
// The log as [log] wants it.
#pragma once

#include "onehop/config/config.h"

namespace onehop::server {

// Once, before there is another thread: the format and the levels.
void begin_log(const config::Log& settings);

// The level of the program in all rooms but those that have one of their own. At any time, by one
// thread.
void use_levels(const config::Log& settings);

// The same for the format.
void use_format(const config::Log& settings);

}  // namespace onehop::server
