// SPDX-License-Identifier: MIT
// TlsContexts: the TLS contexts of a configuration, made when the server starts and made anew when
// their files change. Used by the main thread; workers are given what they need.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "onehop/base/result.h"
#include "onehop/config/config.h"
#include "onehop/tls/tls.h"

namespace onehop::server {

class TlsContexts {
 public:
  Result<void, std::string> make(const config::Config& config);

  // Makes the contexts of listeners whose files changed; returns which. A file that is no good is
  // refused, once, with its reason in the log, and the old context stays.
  std::vector<size_t> refresh(const config::Config& config);

  // How often refresh() is wanted; 0: never.
  static uint64_t interval_ms(const config::Config& config);

  // In the order of the configuration; null where there is no TLS.
  const std::vector<std::shared_ptr<const tls::ServerContext>>& listeners() const {
    return listeners_;
  }
  const std::vector<std::shared_ptr<const tls::ClientContext>>& upstreams() const {
    return upstreams_;
  }

 private:
  std::vector<std::shared_ptr<const tls::ServerContext>> listeners_;
  std::vector<std::shared_ptr<const tls::ClientContext>> upstreams_;
  std::vector<std::string> refused_;  // why the newest files of a listener are not in use
};

}  // namespace onehop::server
