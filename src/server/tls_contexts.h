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

  // Makes the contexts anew whose files changed; returns which. A file that is no good is refused,
  // once, with its reason in the log, and the old context stays.
  struct Changed {
    std::vector<size_t> listeners;
    std::vector<size_t> upstreams;
  };
  Changed refresh(const config::Config& config);

  // How often refresh() is wanted; 0: never.
  static uint64_t interval_ms(const config::Config& config);

  // In the order of the configuration; null where there is no TLS.
  const std::vector<std::shared_ptr<const tls::ServerContext>>& listeners() const {
    return listeners_.made;
  }
  const std::vector<std::shared_ptr<const tls::ClientContext>>& upstreams() const {
    return upstreams_.made;
  }

 private:
  template <class Context>
  struct Set {
    template <class Settings>
    Result<void, std::string> make(const std::vector<Settings>& all);
    template <class Settings>
    std::vector<size_t> refresh(const std::vector<Settings>& all);

    std::vector<std::shared_ptr<const Context>> made;
    std::vector<std::string> refused;  // why the newest files are not in use
  };

  Set<tls::ServerContext> listeners_;
  Set<tls::ClientContext> upstreams_;
};

}  // namespace onehop::server
