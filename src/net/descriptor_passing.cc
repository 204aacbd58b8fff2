// SPDX-License-Identifier: MIT
#include "onehop/net/descriptor_passing.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>

namespace onehop::net {
namespace {

constexpr int kKind = SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK;
constexpr int kBacklog = 8;

Unexpected<NetError> failed(int number) {
  return Unexpected<NetError>(NetError{number});
}

struct Name {
  sockaddr_un address{};
  socklen_t size = 0;

  const sockaddr* raw() const { return reinterpret_cast<const sockaddr*>(&address); }
};

// A zero before it is what makes a name abstract.
std::optional<Name> abstract(const std::string& name) {
  Name made;
  if (name.empty() || name.size() >= sizeof made.address.sun_path) return std::nullopt;
  made.address.sun_family = AF_UNIX;
  std::memcpy(made.address.sun_path + 1, name.data(), name.size());
  made.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  return made;
}

// Room for the descriptors of one message.
union Control {
  cmsghdr head;
  char bytes[CMSG_SPACE(sizeof(int) * MessageSocket::kMostDescriptors)];
};

std::vector<Descriptor> descriptors_in(msghdr& message) {
  std::vector<Descriptor> found;
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int number = -1;
      std::memcpy(&number, CMSG_DATA(part) + i * sizeof number, sizeof number);
      found.emplace_back(number);
    }
  }
  return found;
}

}  // namespace

Descriptor::~Descriptor() {
  if (number_ >= 0) ::close(number_);
}

Descriptor Descriptor::duplicate_of(int number) {
  return Descriptor(::fcntl(number, F_DUPFD_CLOEXEC, 0));
}

Result<std::pair<MessageSocket, MessageSocket>, NetError> MessageSocket::pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, kKind, 0, ends) != 0) return failed(errno);
  return std::pair(MessageSocket(Descriptor(ends[0])), MessageSocket(Descriptor(ends[1])));
}

Result<MessageSocket, NetError> MessageSocket::connect(const std::string& name) {
  const auto address = abstract(name);
  if (!address.has_value()) return failed(ENAMETOOLONG);
  Descriptor made(::socket(AF_UNIX, kKind, 0));
  if (!made || ::connect(made.get(), address->raw(), address->size) != 0) return failed(errno);
  return MessageSocket(std::move(made));
}

Address::Process MessageSocket::peer() const {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  ::getsockopt(descriptor_.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &size);
  return {credentials.uid, credentials.pid};
}

Result<void, NetError> MessageSocket::send(std::string_view text,
                                           std::span<const Descriptor> with) const {
  text = text.substr(0, kMostBytes);
  with = with.first(std::min(with.size(), kMostDescriptors));
  iovec piece{const_cast<char*>(text.data()), text.size()};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  Control control{};
  if (!with.empty()) {
    message.msg_control = control.bytes;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * with.size());
    cmsghdr* const part = CMSG_FIRSTHDR(&message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof(int) * with.size());
    for (size_t i = 0; i < with.size(); ++i) {
      const int number = with[i].get();
      std::memcpy(CMSG_DATA(part) + i * sizeof number, &number, sizeof number);
    }
  }
  if (::sendmsg(descriptor_.get(), &message, MSG_NOSIGNAL) < 0) return failed(errno);
  return {};
}

Result<std::optional<MessageSocket::Message>, NetError> MessageSocket::receive() const {
  Message received;
  received.text.resize(kMostBytes);
  iovec piece{received.text.data(), received.text.size()};
  Control control{};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes;
  message.msg_controllen = sizeof control.bytes;
  ssize_t size = ::recvmsg(descriptor_.get(), &message, MSG_CMSG_CLOEXEC);
  // It left without reading all, which is told once, before what it had said.
  if (size < 0 && errno == ECONNRESET)
    size = ::recvmsg(descriptor_.get(), &message, MSG_CMSG_CLOEXEC);
  if (size < 0) return failed(errno);
  received.descriptors = descriptors_in(message);
  // MSG_CTRUNC: this process has no descriptors left for them.
  if ((message.msg_flags & MSG_CTRUNC) != 0) return failed(EMFILE);
  if ((message.msg_flags & MSG_TRUNC) != 0) return failed(EMSGSIZE);
  if (size == 0) return std::optional<Message>();
  received.text.resize(static_cast<size_t>(size));
  return std::optional<Message>(std::move(received));
}

bool MessageSocket::wait(int milliseconds) const {
  pollfd item{descriptor_.get(), POLLIN, 0};
  return ::poll(&item, 1, milliseconds) == 1;
}

Result<Descriptor, NetError> listen_at_name(const std::string& name) {
  const auto address = abstract(name);
  if (!address.has_value()) return failed(ENAMETOOLONG);
  Descriptor made(::socket(AF_UNIX, kKind, 0));
  if (!made || ::bind(made.get(), address->raw(), address->size) != 0 ||
      ::listen(made.get(), kBacklog) != 0)
    return failed(errno);
  return made;
}

void listen_anew(const Descriptor& listening) {
  ::listen(listening.get(), kBacklog);
}

std::optional<MessageSocket> accept_one(const Descriptor& listening) {
  Descriptor came(::accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!came) return std::nullopt;
  return MessageSocket(std::move(came));
}

}  // namespace onehop::net
