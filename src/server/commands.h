// SPDX-License-Identifier: MIT
// What the admin endpoint does on the server's behalf.
#pragma once

#include <memory>

#include "drain_waits.h"
#include "endpoint_sets.h"
#include "onehop/admin/commands.h"
#include "reload.h"

namespace onehop::server {

// Before it serves. All outlive the commands.
void add_commands(admin::Commands& commands, Reload& reload);
void add_endpoint_commands(admin::Commands& commands, EndpointSets& endpoints, DrainWaits& waits);

}  // namespace onehop::server
