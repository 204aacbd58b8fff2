// SPDX-License-Identifier: MIT
// The part of a TcpTransport that asks the kernel about the peer.
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <climits>

#include "tcp_transport.h"

namespace onehop::net {

// A probe in every third of the time that was quiet: a peer that has gone is found out within twice
// that time.
void TcpTransport::watch_peer(const Watch& watch) noexcept {
  if (socket_ == Socket::local) return;  // the kernel tells at once
  constexpr int kProbes = 3;
  const auto set = [&](int level, int name, uint64_t value) {
    const int number = static_cast<int>(std::min<uint64_t>(value, INT_MAX));
    ::setsockopt(descriptor_, level, name, &number, sizeof number);
  };
  if (watch.untaken_ms > 0) set(IPPROTO_TCP, TCP_USER_TIMEOUT, watch.untaken_ms);
  if (watch.quiet_ms == 0) return;
  const uint64_t seconds = std::max<uint64_t>(watch.quiet_ms / 1000, 1);
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, seconds);
  set(IPPROTO_TCP, TCP_KEEPINTVL, std::max<uint64_t>(seconds / kProbes, 1));
  set(IPPROTO_TCP, TCP_KEEPCNT, kProbes);
}

Transport::Peer TcpTransport::peer() const noexcept {
  pollfd asked{descriptor_, POLLRDHUP, 0};
  if (::poll(&asked, 1, 0) <= 0) return Peer::there;
  return (asked.revents & (POLLERR | POLLHUP)) != 0 ? Peer::gone : Peer::ended;
}

// In this order: after a reset nothing is acknowledged any more.
Transport::Delivered TcpTransport::delivered(uint64_t since) const noexcept {
  const Peer now = peer();
  if (socket_ == Socket::local || taken_bytes() > since) return Delivered::possible;
  if (now != Peer::gone) return Delivered::unclear;
  return said_fin() ? Delivered::refused : Delivered::possible;
}

// Of a socket that was reset. A read ends with 0 where a FIN came first, and once the error has
// been read in any case.
bool TcpTransport::said_fin() const noexcept {
  if (fin_seen_ || error_read_) return fin_seen_;
  char byte;
  return ::recv(descriptor_, &byte, sizeof byte, MSG_PEEK | MSG_DONTWAIT) == 0;
}

}  // namespace onehop::net
