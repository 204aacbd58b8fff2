// SPDX-License-Identifier: MIT
// TlsContexts: the TLS contexts of a configuration, made when it is loaded and made anew when their
// files change. A value: those of another configuration take over what is the same in both, ticket
// keys above all.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "onehop/base/result.h"
#include "onehop/config/config.h"
#include "onehop/http/connection.h"
#include "onehop/tls/tls.h"

namespace onehop::server {

class TlsContexts {
 public:
  // `before` may be null.
  static Result<TlsContexts, std::string> make(const config::Config& config,
                                               const TlsContexts* before);

  // Makes the contexts anew whose files changed; returns which, by their places. A file that is no
  // good is refused, once, with its reason in the log, and the old context stays.
  struct Changed {
    std::vector<size_t> listeners;
    std::vector<size_t> upstreams;
  };
  Changed refresh();

  // How often refresh() is wanted; 0: never.
  uint64_t interval_ms() const;

  // In the order of the configuration; null where there is no TLS.
  std::vector<std::shared_ptr<const tls::ServerContext>> listeners() const {
    return listeners_.contexts();
  }
  std::vector<std::shared_ptr<const tls::ClientContext>> upstreams() const {
    return upstreams_.contexts();
  }

 private:
  template <class Context, class Settings>
  struct Set {
    struct Entry {
      std::string name;  // that two sets know it by
      Settings settings;
      std::shared_ptr<const Context> context;
      std::string refused;  // why the newest files are not in use
    };
    static Result<Set, std::string> make(const std::vector<Settings>& all, const Set* before);
    Result<void, std::string> add(const Settings& settings, const Set* before);
    std::vector<size_t> refresh();
    std::vector<std::shared_ptr<const Context>> contexts() const {
      std::vector<std::shared_ptr<const Context>> all;
      for (const Entry& entry : entries) all.push_back(entry.context);
      return all;
    }

    std::vector<Entry> entries;
  };

  Set<tls::ServerContext, config::Listener> listeners_;
  Set<tls::ClientContext, config::Upstream> upstreams_;
};

}  // namespace onehop::server
