// SPDX-License-Identifier: MIT
// `onehop check-health`: is the proxy at this admin endpoint ready for new requests? Made for
// HEALTHCHECK lines and probes, where no curl is at hand.
#pragma once

#include <chrono>

#include "admin_client.h"

namespace onehop::cli {

struct CheckHealthOptions {
  AdminDoor door;
  std::chrono::milliseconds timeout = std::chrono::seconds(2);  // for all of it
};

// Asks GET /readyz, and says so on stdout or, when the proxy is not ready, on stderr. Returns the
// exit code: 0 when it is ready; 1 when it drains, cannot be reached or is something else; 2 when
// the door is none.
int run_check_health(const CheckHealthOptions& options);

}  // namespace onehop::cli
