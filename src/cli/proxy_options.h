// SPDX-License-Identifier: MIT
// `onehop proxy`: a configuration made of options, without a file. What one option says wrongly is
// found here; what the Config says wrongly is found by config::check(), as it is for a file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "onehop/base/result.h"
#include "onehop/config/config.h"
#include "onehop/config/load.h"

namespace onehop::cli {

struct ProxyOptions {
  std::vector<std::string> listen;
  // "HOST:PORT", with or without http://, https:// (TLS; HTTP/2 where the server prefers it) or
  // h2c:// (HTTP/2 without TLS) before it. After a scheme the port may be left out.
  std::vector<std::string> to;
  std::vector<std::string> tls_cert;  // the listeners have TLS when there is one;
  std::vector<std::string> tls_key;   // each certificate has the key at its place
  bool insecure_upstream = false;
  std::string admin;
  std::string control;
  uint32_t workers = 0;
  std::string access_log;  // a file, or - for standard output; "" is none
  std::string access_log_format;
};

// The error is a sentence for whoever typed the options. The Config is to be checked.
Result<config::Config, std::string> config_of(const ProxyOptions& options);

// What config::check() says of that Config, in the words of whoever typed the options: --tls-cert
// and not listener[0].tls.certificates[0].cert. Each sentence once, as listeners share
// certificates.
std::vector<std::string> sentences_of(const std::vector<config::Problem>& problems,
                                      const ProxyOptions& options);

}  // namespace onehop::cli
