// SPDX-License-Identifier: MIT
// Values that are right one by one and wrong together: TLS settings without TLS, half a pair of
// certificate and key, and the like. Of one listener, one upstream or the admin endpoint; nothing
// is read.
#pragma once

#include <string>
#include <vector>

#include "onehop/config/config.h"

namespace onehop::config {

// Keys are relative to the table: "tls.client_ca".
struct Mismatch {
  std::string key;
  std::string expected;
  std::string found;
  std::string basis;  // the key with the value that `key` does not go with
};

// In the order of the schema; empty when all is well.
std::vector<Mismatch> mismatches(const Listener& listener);
std::vector<Mismatch> mismatches(const Upstream& upstream);
std::vector<Mismatch> mismatches(const Admin& admin);

}  // namespace onehop::config
