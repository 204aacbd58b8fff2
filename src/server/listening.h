// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "onehop/base/result.h"
#include "onehop/config/config.h"
#include "onehop/net/listener.h"
#include "onehop/net/unix_socket.h"

namespace onehop::server {

// What a listener's address stands for; the error is a sentence.
Result<Address, std::string> listen_address(const std::string& text);

// A socket per worker on the same address; an error is a sentence. The first is opened alone, so
// that a port that another program listens on is an error and not silently shared with it.
Result<std::vector<net::ListeningSocket>, std::string> listen(
    const std::string& text, uint32_t backlog, size_t count, net::ListeningSocket::Accepts accepts);

// The same at the path of a unix socket ("unix:/path"): one socket, and a descriptor of it for each
// worker.
struct UnixListening {
  std::vector<net::ListeningSocket> sockets;
  net::SocketFile file;
};
Result<UnixListening, std::string> listen_at_path(const config::Listener& listener, size_t count);
mode_t mode_of(const config::Listener& listener);

}  // namespace onehop::server
