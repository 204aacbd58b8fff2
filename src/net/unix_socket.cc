// SPDX-License-Identifier: MIT
#include "onehop/net/unix_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "onehop/net/error.h"

namespace onehop::net {
namespace {

Unexpected<std::string> failed(int number) {
  return Unexpected<std::string>(std::string(NetError{number}.sentence()));
}

std::optional<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  if (path.empty() || path.size() >= sizeof address.sun_path) return std::nullopt;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

int unix_socket() {
  return ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

int bind(int descriptor, const sockaddr_un& address) {
  const auto* raw = reinterpret_cast<const sockaddr*>(&address);
  return ::bind(descriptor, raw, sizeof address) == 0 ? 0 : errno;
}

// What connecting to it says: 0 where it is served.
int knock(const sockaddr_un& address) {
  const int descriptor = unix_socket();
  if (descriptor < 0) return errno;
  const auto* raw = reinterpret_cast<const sockaddr*>(&address);
  const int number = ::connect(descriptor, raw, sizeof address) == 0 ? 0 : errno;
  ::close(descriptor);
  return number;
}

// Takes away what a dead process has left at `path`, where that is a socket. Two processes that do
// so at the same time are kept apart by the addresses of their listeners, which are bound before.
Result<void, std::string> remove_stale(const std::string& path, const sockaddr_un& address) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0) {
    if (errno == ENOENT) return {};
    return failed(errno);
  }
  if (!S_ISSOCK(found.st_mode))
    return Unexpected<std::string>("there is something else than a socket, which is left alone");
  const int number = knock(address);
  // EAGAIN: more wait there than its backlog takes, so it lives.
  if (number == 0 || number == EAGAIN)
    return Unexpected<std::string>("another process serves it; only one can");
  if (number != ECONNREFUSED && number != ENOENT) return failed(number);
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return failed(errno);
  return {};
}

}  // namespace

SocketFile::SocketFile(std::string path, dev_t device, ino_t inode)
    : path_(std::move(path)), device_(device), inode_(inode) {}

SocketFile SocketFile::taken_over(const std::string& path) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0 || !S_ISSOCK(found.st_mode)) return {};
  return SocketFile(path, found.st_dev, found.st_ino);
}

SocketFile::SocketFile(SocketFile&& other) noexcept
    : path_(std::exchange(other.path_, std::string())),
      device_(other.device_),
      inode_(other.inode_) {}

SocketFile& SocketFile::operator=(SocketFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(device_, other.device_);
  std::swap(inode_, other.inode_);
  return *this;
}

SocketFile::~SocketFile() {
  if (is_there()) ::unlink(path_.c_str());
}

void SocketFile::use_mode(mode_t mode) const {
  if (is_there()) ::chmod(path_.c_str(), mode);
}

bool SocketFile::is_there() const {
  struct stat found {};
  return !path_.empty() && ::lstat(path_.c_str(), &found) == 0 && found.st_dev == device_ &&
         found.st_ino == inode_;
}

Result<UnixSocket, std::string> listen_at_path(const std::string& path, mode_t mode,
                                               uint32_t backlog) {
  const auto address = address_of(path);
  if (!address) return failed(ENAMETOOLONG);
  const int descriptor = unix_socket();
  if (descriptor < 0) return failed(errno);
  ListeningSocket socket = ListeningSocket::of_unix(
      descriptor, Address::of_path(path).value_or(Address::of_process({})));
  int number = bind(descriptor, *address);
  if (number == EADDRINUSE) {
    if (auto removed = remove_stale(path, *address); !removed.has_value())
      return Unexpected<std::string>(removed.error());
    number = bind(descriptor, *address);
  }
  if (number != 0) return failed(number);
  struct stat made {};
  if (::lstat(path.c_str(), &made) != 0) return failed(errno);
  SocketFile file(path, made.st_dev, made.st_ino);
  // Nobody can connect before listen(), so there is no moment with the mode of the umask.
  if (::chmod(path.c_str(), mode) != 0 || ::listen(descriptor, static_cast<int>(backlog)) != 0)
    return failed(errno);
  return UnixSocket{std::move(socket), std::move(file)};
}

}  // namespace onehop::net
