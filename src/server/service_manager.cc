// SPDX-License-Identifier: MIT
#include "service_manager.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdlib>

#include "onehop/base/log.h"
#include "onehop/net/error.h"

namespace onehop::server {

ServiceManager ServiceManager::of_environment() {
  const char* socket = std::getenv("NOTIFY_SOCKET");
  const bool watches = socket != nullptr && std::getenv("WATCHDOG_USEC") != nullptr;
  return ServiceManager(socket == nullptr ? "" : socket, watches);
}

void ServiceManager::alive() const {
  tell("WATCHDOG=1");
}

void ServiceManager::reloading(uint64_t monotonic_us) const {
  tell(fmt::format("RELOADING=1\nMONOTONIC_USEC={}\nSTATUS=loading the configuration",
                   monotonic_us));
}

void ServiceManager::ready(std::string_view status) const {
  tell(fmt::format("READY=1\nSTATUS={}", status));
}

void ServiceManager::stopping(std::string_view status) const {
  tell(fmt::format("STOPPING=1\nSTATUS={}", status));
}

void ServiceManager::main_process(int pid) const {
  tell(fmt::format("MAINPID={}", pid));
}

void ServiceManager::tell(const std::string& state) const {
  if (socket_.empty()) return;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const bool fits = socket_.size() < sizeof address.sun_path;
  std::copy_n(socket_.data(), fits ? socket_.size() : 0, address.sun_path);
  if (socket_[0] == '@') address.sun_path[0] = '\0';
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
  const int descriptor = fits ? ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;
  // Whoever has no room in its queue for that long does not listen.
  const timeval patience{1, 0};
  ::setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  const bool sent =
      descriptor >= 0 && ::sendto(descriptor, state.data(), state.size(), MSG_NOSIGNAL,
                                  reinterpret_cast<const sockaddr*>(&address), size) >= 0;
  const net::NetError error{fits ? errno : ENAMETOOLONG};
  if (descriptor >= 0) ::close(descriptor);
  if (!sent) log::warning(fmt::format("NOTIFY_SOCKET {}: {}", socket_, error.sentence()));
}

}  // namespace onehop::server
