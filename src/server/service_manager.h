// SPDX-License-Identifier: MIT
// What systemd, or whoever else started the program, is told of its state: sd_notify(3), which is
// one datagram to the socket that NOTIFY_SOCKET names. Without the variable nobody is told.
#pragma once

#include <string>
#include <string_view>

namespace onehop::server {

class ServiceManager {
 public:
  // `socket`: the path of a Unix datagram socket, or a name with an "@" before it for an abstract
  // one; empty: there is nobody to tell.
  explicit ServiceManager(std::string socket) : socket_(std::move(socket)) {}
  static ServiceManager of_environment();

  // Clients can connect. `status` is for people.
  void ready(std::string_view status) const;
  void stopping(std::string_view status) const;

 private:
  void tell(const std::string& state) const;

  std::string socket_;
};

}  // namespace onehop::server
