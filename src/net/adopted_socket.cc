// SPDX-License-Identifier: MIT
#include "onehop/net/adopted_socket.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstddef>
#include <optional>
#include <utility>

namespace onehop::net {
namespace {

std::optional<int> option(int descriptor, int level, int name) {
  int value = 0;
  socklen_t size = sizeof value;
  if (::getsockopt(descriptor, level, name, &value, &size) != 0) return std::nullopt;
  return value;
}

// "unix:/path", or "unix:@name" of an abstract one.
std::string unix_name(const sockaddr_storage& bound, socklen_t size) {
  const auto& address = reinterpret_cast<const sockaddr_un&>(bound);
  const size_t length = size - offsetof(sockaddr_un, sun_path);
  std::string name(address.sun_path, length);
  if (name.starts_with('\0')) return "unix:@" + name.substr(1);
  return "unix:" + name.substr(0, name.find('\0'));
}

}  // namespace

Result<AdoptedSocket, std::string> adopt(Descriptor descriptor) {
  const int number = descriptor.get();
  const auto failed = [](std::string why) { return Unexpected<std::string>(std::move(why)); };
  if (!option(number, SOL_SOCKET, SO_TYPE).has_value()) return failed("it is no socket");
  if (option(number, SOL_SOCKET, SO_TYPE) != SOCK_STREAM)
    return failed("it is no stream socket (ListenStream= of systemd makes one)");
  if (option(number, SOL_SOCKET, SO_ACCEPTCONN) != 1)
    return failed("it does not listen (Accept=no of systemd, the default, is what is needed)");
  const int status = ::fcntl(number, F_GETFL);
  if (status < 0 || ::fcntl(number, F_SETFL, status | O_NONBLOCK) != 0 ||
      ::fcntl(number, F_SETFD, FD_CLOEXEC) != 0)
    return failed(std::string(NetError{errno}.sentence()));
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  ::getsockname(number, reinterpret_cast<sockaddr*>(&bound), &size);
  if (bound.ss_family == AF_UNIX) {
    const std::string name = unix_name(bound, size);
    const Address local = Address::of_unix(name).value_or(Address::of_process({}));
    return AdoptedSocket{ListeningSocket::of_unix(descriptor.release(), local), {name}};
  }
  if (bound.ss_family != AF_INET && bound.ss_family != AF_INET6)
    return failed("it is neither of TCP nor a unix socket");

  const int on = 1;
  ::setsockopt(number, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  ::setsockopt(number, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const bool defers = option(number, IPPROTO_TCP, TCP_DEFER_ACCEPT).value_or(0) > 0;
  const Address local = Address::from(reinterpret_cast<const sockaddr*>(&bound));
  std::vector<std::string> addresses = {local.to_string()};
  if (local.ip() == "::" && option(number, IPPROTO_IPV6, IPV6_V6ONLY) == 0)
    addresses.push_back("0.0.0.0:" + std::to_string(local.port()));
  return AdoptedSocket{ListeningSocket::of_descriptor(descriptor.release(), local,
                                                      defers ? ListeningSocket::Accepts::with_data
                                                             : ListeningSocket::Accepts::at_once),
                       std::move(addresses)};
}

Result<ListeningSocket, NetError> duplicate_of(const ListeningSocket& socket) {
  Descriptor other = Descriptor::duplicate_of(socket.descriptor());
  if (!other) return Unexpected<NetError>(NetError{errno});
  return ListeningSocket::of_descriptor(other.release(), socket.local(), socket.accepts());
}

}  // namespace onehop::net
