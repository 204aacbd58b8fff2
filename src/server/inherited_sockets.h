// SPDX-License-Identifier: MIT
// InheritedSockets: listening sockets that are there before the program has bound any. They come
// from systemd (socket activation, sd_listen_fds(3)), or from the process that this one takes over
// from, which says of each what it was to it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "onehop/base/result.h"
#include "onehop/net/adopted_socket.h"

namespace onehop::server {

// What one process gives to another: the sockets of one listener, by a key that both make of their
// configurations.
struct HandedSockets {
  std::string key;
  bool activated = false;  // of systemd once: a file that it has is not removed
  // Of its TLS: ServerContext::ticket_key_bytes(); or what else is secret, with no sockets.
  std::string ticket_keys = {};
  std::vector<net::Descriptor> sockets = {};
};

class InheritedSockets {
 public:
  InheritedSockets() = default;

  // Those of LISTEN_FDS, where LISTEN_PID says that they are for this process. The variables are
  // taken out of the environment. Before there is another thread, and before anything is opened.
  // The error is a sentence.
  static Result<InheritedSockets, std::string> of_environment();

  // The error is a sentence.
  Result<void, std::string> add(HandedSockets handed);

  struct Taken {
    std::vector<net::ListeningSocket> sockets;  // none: it has to be bound
    bool activated = false;
  };
  // Those of the key, else those that are bound to the address, as a configuration says it:
  // "127.0.0.1:80", ":80", "unix:/path". They are the caller's.
  Taken take(const std::string& key, const std::string& address);

  // What was handed over with those of the key; empty: nothing.
  std::string ticket_keys(const std::string& key) const;

  // Where those listen that nobody took.
  std::vector<std::string> left() const;
  // Of those, the files of unix sockets that nobody keeps.
  std::vector<std::string> left_files() const;

 private:
  struct Origin {
    std::string key;   // "" where nobody said
    std::string name;  // for people
    bool activated = false;
  };
  struct Entry {
    Origin origin;
    net::AdoptedSocket adopted;
  };
  Result<void, std::string> add_one(net::Descriptor socket, Origin origin);

  std::vector<Entry> entries_;
  std::map<std::string, std::string> ticket_keys_;
};

// So that each of so many workers has one at least, and each socket a worker: where there are too
// few, several accept from one queue. The i-th is of worker i modulo their number.
Result<void, net::NetError> suffice(std::vector<net::ListeningSocket>& sockets, size_t workers);

}  // namespace onehop::server
