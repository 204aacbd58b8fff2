// SPDX-License-Identifier: MIT
// Asks the kernel with sock_diag, one exact look-up for one socket.
#include "tests/support/receive_queue.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

namespace onehop::test {
namespace {

struct Question {
  nlmsghdr header;
  inet_diag_req_v2 body;
};

bool fill_addresses(int fd, inet_diag_sockid& id) {
  sockaddr_in mine{};
  sockaddr_in theirs{};
  socklen_t size = sizeof mine;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&mine), &size) != 0) return false;
  size = sizeof theirs;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&theirs), &size) != 0) return false;
  id.idiag_sport = theirs.sin_port;  // seen from the other socket
  id.idiag_dport = mine.sin_port;
  id.idiag_src[0] = theirs.sin_addr.s_addr;
  id.idiag_dst[0] = mine.sin_addr.s_addr;
  id.idiag_cookie[0] = INET_DIAG_NOCOOKIE;
  id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  return true;
}

}  // namespace

bool everything_was_read(int fd) {
  static thread_local const int netlink =
      ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
  Question question{};
  question.header.nlmsg_len = sizeof question;
  question.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  question.header.nlmsg_flags = NLM_F_REQUEST;
  question.body.sdiag_family = AF_INET;
  question.body.sdiag_protocol = IPPROTO_TCP;
  question.body.idiag_states = ~0U;
  if (netlink < 0 || !fill_addresses(fd, question.body.id)) return true;
  if (::send(netlink, &question, sizeof question, 0) < 0) return true;
  alignas(nlmsghdr) char answer[2048];
  const ssize_t n = ::recv(netlink, answer, sizeof answer, 0);
  nlmsghdr header{};
  if (n < static_cast<ssize_t>(sizeof header)) return true;
  std::memcpy(&header, answer, sizeof header);
  if (header.nlmsg_type != SOCK_DIAG_BY_FAMILY) return true;
  inet_diag_msg message{};
  std::memcpy(&message, answer + NLMSG_HDRLEN, sizeof message);
  return message.idiag_rqueue == 0;
}

}  // namespace onehop::test
