// SPDX-License-Identifier: MIT
// A listening socket whose queue is full: the kernel drops further SYNs, so a connect gets no
// answer at all.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "onehop/base/address.h"
#include "tests/support/peer.h"

namespace onehop::test {

class FullListener {
 public:
  explicit FullListener(const Address& at = *Address::numeric("127.0.0.1", 0)) {
    const int listening = another_socket(at);
    sockaddr_storage bound{};
    socklen_t size = sizeof bound;
    if (::bind(listening, at.raw(), at.size()) != 0 || ::listen(listening, 0) != 0 ||
        ::getsockname(listening, reinterpret_cast<sockaddr*>(&bound), &size) != 0)
      throw PeerError("cannot listen on " + at.to_string());
    address = Address::from(reinterpret_cast<const sockaddr*>(&bound)).to_string();
    for (int i = 0; i < 4; ++i) {
      const auto* to = reinterpret_cast<const sockaddr*>(&bound);
      static_cast<void>(::connect(another_socket(at), to, size));
    }
  }
  ~FullListener() {
    for (const int fd : fds_) ::close(fd);
  }
  FullListener(const FullListener&) = delete;
  FullListener& operator=(const FullListener&) = delete;

  std::string address;

 private:
  int another_socket(const Address& at) {
    const int kind = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    return fds_.emplace_back(::socket(at.raw()->sa_family, kind, 0));
  }
  std::vector<int> fds_;
};

}  // namespace onehop::test
