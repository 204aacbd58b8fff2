// SPDX-License-Identifier: MIT
// Listeners: what is listened on, by the keys of the listeners. The sockets themselves belong to
// the workers; here is what a configuration needs beside those that are open.
#pragma once

#include <string>
#include <vector>

#include "change.h"
#include "onehop/base/result.h"

namespace onehop::server {

class Listeners {
 public:
  // What a set of listeners needs and is not open: a socket for each worker, by the place of its
  // listener.
  struct Opened {
    std::vector<NewSockets> by_worker;
    std::vector<Address> addresses;  // of all listeners, in the order of the configuration
    std::vector<http::ListenerTerms::Key> keys;
  };

  // Opens them, all or none; the error is a sentence. Nobody is let in before workers have them.
  Result<Opened, std::string> open(const std::vector<proxy::Snapshot::Terms>& listeners,
                                   size_t workers) const;

  // They are those that are open from now on.
  void use(const Opened& opened) {
    keys_ = opened.keys;
    addresses_ = opened.addresses;
  }

  // With the ports that they got, in the order of the configuration.
  const std::vector<Address>& addresses() const noexcept { return addresses_; }

 private:
  std::vector<http::ListenerTerms::Key> keys_;
  std::vector<Address> addresses_;
};

}  // namespace onehop::server
