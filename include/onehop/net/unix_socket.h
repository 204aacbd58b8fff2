// SPDX-License-Identifier: MIT
// Unix sockets: one that listens at a path, and the file that it has there.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "onehop/base/result.h"
#include "onehop/net/listener.h"

namespace onehop::net {

// The file of a listening unix socket. Its destructor removes it, if the path still leads to it and
// not to what somebody has put in its place. Move-only.
class SocketFile {
 public:
  SocketFile() = default;
  SocketFile(std::string path, dev_t device, ino_t inode);
  // That of a socket which another process has made and left to this one.
  static SocketFile taken_over(const std::string& path);
  // It is left to another process.
  void leave() noexcept { path_.clear(); }

  SocketFile(SocketFile&& other) noexcept;
  SocketFile& operator=(SocketFile&& other) noexcept;
  ~SocketFile();

  void use_mode(mode_t mode) const;

 private:
  bool is_there() const;

  std::string path_;  // empty: none
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

struct UnixSocket {
  ListeningSocket socket;
  SocketFile file;  // lives as long as somebody may connect
};

// A unix socket at `path`, which whoever has the mode's write permission may connect to. The socket
// file of a process that has died is replaced; one that is served, and what is no socket, is an
// error and left alone. The error is the end of a sentence.
Result<UnixSocket, std::string> listen_at_path(const std::string& path, mode_t mode,
                                               uint32_t backlog);

}  // namespace onehop::net
