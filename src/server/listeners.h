// SPDX-License-Identifier: MIT
// Listeners: what is listened on, by the keys of the listeners. The sockets themselves belong to
// the workers; here is what a configuration needs beside those that are open.
#pragma once

#include <string>
#include <vector>

#include "change.h"
#include "onehop/base/result.h"
#include "onehop/net/unix_socket.h"

namespace onehop::server {

class Listeners {
 public:
  // The file of a unix socket, of the listener with that address.
  struct UnixFile {
    std::string address;
    net::SocketFile file;
  };

  // What a set of listeners needs and is not open: a socket for each worker, by the place of its
  // listener.
  struct Opened {
    std::vector<NewSockets> by_worker;
    std::vector<Address> addresses;  // of all listeners, in the order of the configuration
    std::vector<http::ListenerTerms::Key> keys;
    std::vector<UnixFile> files;  // of the unix sockets among those that were opened
  };

  // Opens them, all or none; the error is a sentence. Nobody is let in before workers have them. A
  // path has one socket, of which each worker has a descriptor: who is free accepts.
  Result<Opened, std::string> open(const std::vector<proxy::Snapshot::Terms>& listeners,
                                   size_t workers) const;

  // They are those that are open from now on. The files of those that are gone are removed, and
  // those that stay get the mode that is configured now.
  void use(const std::vector<proxy::Snapshot::Terms>& listeners, Opened& opened);

  // Nobody finds a unix socket any more. Before the workers close them: a file is known by its
  // inode, which another one may have once its socket is closed.
  void remove_files() { files_.clear(); }

  // With the ports that they got, in the order of the configuration.
  const std::vector<Address>& addresses() const noexcept { return addresses_; }

 private:
  std::vector<http::ListenerTerms::Key> keys_;
  std::vector<Address> addresses_;
  std::vector<UnixFile> files_;
};

}  // namespace onehop::server
