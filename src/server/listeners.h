// SPDX-License-Identifier: MIT
// Listeners: what is listened on, by the keys of the listeners. The sockets themselves belong to
// the workers; here is what a configuration needs beside those that are open.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "change.h"
#include "inherited_sockets.h"
#include "onehop/base/result.h"
#include "onehop/net/unix_socket.h"

namespace onehop::server {

class Listeners {
 public:
  // Who removes the file of a unix socket.
  enum class Owner : uint8_t { this_process, process_before, service_manager };

  // That of the listener with the address. `file` is one while this process owns it.
  struct UnixFile {
    std::string address;
    net::SocketFile file;
    Owner owner = Owner::this_process;
    mode_t mode = 0;  // as configured, from use() on
  };

  // What a set of listeners needs and is not open: a socket for each worker, by the place of its
  // listener.
  struct Opened {
    std::vector<NewSockets> by_worker;
    std::vector<Address> addresses;  // of all listeners, in the order of the configuration
    std::vector<http::ListenerTerms::Key> keys;
    std::vector<UnixFile> files;  // of the unix sockets among those that were opened
  };

  // Opens them, all or none, but for those that are among the inherited; the error is a sentence.
  // Nobody is let in before workers have them. A path has one socket, of which each worker has a
  // descriptor: who is free accepts.
  Result<Opened, std::string> open(const std::vector<proxy::Snapshot::Terms>& listeners,
                                   size_t workers, InheritedSockets* inherited = nullptr) const;

  // By what a process that takes over finds the sockets of a listener.
  static std::string key_text(const http::ListenerTerms::Key& key);

  // They are those that are open from now on. The files of those that are gone are removed, and
  // those that stay get the mode that is configured now.
  void use(const std::vector<proxy::Snapshot::Terms>& listeners, Opened& opened);

  // Nobody finds a unix socket any more. Before the workers close them: a file is known by its
  // inode, which another one may have once its socket is closed.
  void remove_files() { files_.clear(); }

  // The process before serves no more: its files are this one's, with the mode that is configured.
  void own_files();
  // Another process serves from now on, and has them.
  void leave_files();
  // Whether the file at the address ("unix:/path") is the service manager's.
  bool activated(const std::string& address) const;

  // With the ports that they got, in the order of the configuration.
  const std::vector<Address>& addresses() const noexcept { return addresses_; }
  std::vector<std::string> texts() const;

 private:
  std::vector<http::ListenerTerms::Key> keys_;
  std::vector<Address> addresses_;
  std::vector<UnixFile> files_;
};

}  // namespace onehop::server
