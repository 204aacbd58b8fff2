// SPDX-License-Identifier: MIT
// What the admin endpoint shows of the configuration that is in force.
#pragma once

#include "endpoint_sets.h"
#include "in_force.h"
#include "judges.h"
#include "listeners.h"
#include "onehop/admin/view.h"

namespace onehop::server {

// All but what changes with every request; `seen` refers to what is given here.
void show(const InForce& in_force, const Listeners& listeners, const EndpointSets& endpoints,
          const Judges& judges, admin::View& seen);

}  // namespace onehop::server
