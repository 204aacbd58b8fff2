// SPDX-License-Identifier: MIT
// What systemd, or whoever else started the program, is told of its state: sd_notify(3), which is
// one datagram to the socket that NOTIFY_SOCKET names. Without the variable nobody is told.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace onehop::server {

class ServiceManager {
 public:
  // `socket`: the path of a Unix datagram socket, or a name with an "@" before it for an abstract
  // one; empty: there is nobody to tell.
  explicit ServiceManager(std::string socket, bool watches = false)
      : socket_(std::move(socket)), watches_(watches) {}
  static ServiceManager of_environment();

  // Clients can connect; also once a reload has ended. `status` is for people.
  void ready(std::string_view status) const;
  void reloading(uint64_t monotonic_us) const;  // of CLOCK_MONOTONIC, at this moment
  void stopping(std::string_view status) const;

  // Which process is the service; that one speaks to it from then on.
  void main_process(int pid) const;
  void say_no_more() { socket_.clear(); }

  // Whether it wants to be told now and then that all is alive (WATCHDOG_USEC), and restarts the
  // program otherwise.
  bool watches() const noexcept { return watches_; }
  void alive() const;

 private:
  void tell(const std::string& state) const;

  std::string socket_;
  bool watches_;
};

}  // namespace onehop::server
