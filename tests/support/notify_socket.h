// SPDX-License-Identifier: MIT
// What a service manager has at its end of NOTIFY_SOCKET: a Unix datagram socket.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <stdexcept>
#include <string>

#include "tests/support/deadline.h"

namespace onehop::test {

class NotifySocket {
 public:
  // A path, or "@" and an abstract name.
  explicit NotifySocket(const std::string& name) : name_(name) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name[0] == '@') address.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    if (::bind(descriptor_, reinterpret_cast<const sockaddr*>(&address), size) != 0)
      throw std::runtime_error("cannot bind " + name);
  }
  ~NotifySocket() {
    ::close(descriptor_);
    if (name_[0] != '@') ::unlink(name_.c_str());
  }
  NotifySocket(const NotifySocket&) = delete;
  NotifySocket& operator=(const NotifySocket&) = delete;

  // The next datagram; "" when none comes in time.
  std::string next(milliseconds limit = patience()) const {
    pollfd item{descriptor_, POLLIN, 0};
    if (::poll(&item, 1, static_cast<int>(limit.count())) != 1) return "";
    char text[512];
    const ssize_t size = ::recv(descriptor_, text, sizeof text, 0);
    return size < 0 ? "" : std::string(text, static_cast<size_t>(size));
  }

 private:
  std::string name_;
  int descriptor_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
};

}  // namespace onehop::test
