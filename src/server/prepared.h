// SPDX-License-Identifier: MIT
// Prepared: a configuration with what has to be read or asked before anybody can serve by it: names
// that are resolved, certificates that are read. Made on any thread, as it waits for disk and DNS.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "onehop/base/address.h"
#include "onehop/base/result.h"
#include "onehop/server/server.h"
#include "tls_contexts.h"

namespace onehop::server {

struct Prepared {
  Loaded loaded;
  std::vector<std::vector<Address>> addresses;  // of the endpoints, by upstream
  TlsContexts tls;

  const config::Config& config() const { return *loaded.config; }

  // `before` are the contexts in use, or null. The error is a sentence.
  static Result<Prepared, std::string> make(Loaded loaded, const TlsContexts* before);
};

}  // namespace onehop::server
