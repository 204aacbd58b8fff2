// SPDX-License-Identifier: MIT
// A Peer that connects to the path of a unix socket.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>

#include "tests/support/peer.h"

namespace onehop::test {

inline Peer connect_at(const std::string& path) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw PeerError(std::string("socket: ") + std::strerror(errno));
  Peer peer(fd);
  sockaddr_un address{};
  if (path.size() >= sizeof address.sun_path) throw PeerError("too long a path: " + path);
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, path.size());
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw PeerError("connect " + path + ": " + std::strerror(errno));
  return peer;
}

// One request on a connection of its own.
inline Response ask_at(const std::string& path, std::string_view request) {
  Peer client = connect_at(path);
  client.send(request);
  return client.read_response();
}

}  // namespace onehop::test
