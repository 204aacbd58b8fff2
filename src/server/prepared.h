// SPDX-License-Identifier: MIT
// Prepared: a configuration with what has to be read before anybody can serve by it: certificates.
// Made on any thread, as it waits for the disk.
#pragma once

#include <string>

#include "onehop/base/result.h"
#include "onehop/server/server.h"
#include "tls_contexts.h"

namespace onehop::server {

struct Prepared {
  Loaded loaded;
  TlsContexts tls;

  const config::Config& config() const { return *loaded.config; }

  // `before` are the contexts in use, or null. The error is a sentence.
  static Result<Prepared, std::string> make(Loaded loaded, const TlsContexts* before);
};

}  // namespace onehop::server
