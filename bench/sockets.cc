// SPDX-License-Identifier: MIT
#include "sockets.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace onehop::bench {
namespace {

constexpr int kBacklog = 4096;

}  // namespace

void fail(const char* what) {
  std::fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, std::strerror(errno));
  std::exit(1);
}

void raise_descriptor_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

sockaddr_in parse_address(const char* option, const std::string& text) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  const size_t colon = text.rfind(':');
  const int port = colon == std::string::npos ? -1 : std::atoi(text.c_str() + colon + 1);
  if (port < 0 || port > 65535 ||
      inet_pton(AF_INET, text.substr(0, colon).c_str(), &address.sin_addr) != 1) {
    std::fprintf(stderr, "%s: %s wants IPV4:PORT, found '%s'\n", program_invocation_short_name,
                 option, text.c_str());
    std::exit(2);
  }
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

int listen_on(sockaddr_in address) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // accepted ones inherit it
  socklen_t size = sizeof address;
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0) fail("bind");
  if (listen(listener, kBacklog) != 0) fail("listen");
  if (getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0) fail("getsockname");
  std::array<char, INET_ADDRSTRLEN> host{};
  inet_ntop(AF_INET, &address.sin_addr, host.data(), host.size());
  std::printf("%s:%d\n", host.data(), ntohs(address.sin_port));
  std::fflush(stdout);
  return listener;
}

int accept_one(int listener) {
  const int client = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  return client < 0 ? kNobody : client;
}

int connect_to(const sockaddr_in& origin) {
  const int upstream = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(upstream, reinterpret_cast<const sockaddr*>(&origin), sizeof origin) != 0) {
    std::fprintf(stderr, "%s: the origin cannot be reached: %s\n", program_invocation_short_name,
                 std::strerror(errno));
    close(upstream);
    return kNobody;
  }
  const int on = 1;
  setsockopt(upstream, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return upstream;
}

Readable::Readable() : poll_(epoll_create1(EPOLL_CLOEXEC)) {
  if (poll_ < 0) fail("epoll_create1");
}

void Readable::watch(int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  if (epoll_ctl(poll_, EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll_ctl");
}

int Readable::wait() {
  std::array<epoll_event, kAtOnce> events{};
  const int count = epoll_wait(poll_, events.data(), kAtOnce, -1);
  for (int i = 0; i < count; ++i) ready_[i] = events[static_cast<size_t>(i)].data.fd;
  return count;
}

}  // namespace onehop::bench
