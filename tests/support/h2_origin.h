// SPDX-License-Identifier: MIT
// Scripts of origins that speak HTTP/2, frame by frame.
#pragma once

#include <functional>

#include "tests/support/h2_client.h"
#include "tests/support/scripted_origin.h"

namespace onehop::test {

using H2Handler = std::function<void(H2Peer& origin, int32_t id)>;

// Calls `handler` for each request of each connection, when its head is there.
ScriptedOrigin::Script h2_script(H2Handler handler);

}  // namespace onehop::test
