// SPDX-License-Identifier: MIT
// What the admin endpoint does on the server's behalf.
#pragma once

#include "onehop/admin/commands.h"
#include "reload.h"

namespace onehop::server {

// Before it serves. All outlive the commands.
void add_commands(admin::Commands& commands, Reload& reload);

}  // namespace onehop::server
