// SPDX-License-Identifier: MIT
// bench_floor: the least a process between two sockets can do, so that a target for a proxy can be
// held against what this machine's kernel takes for itself.
//
// The one idea: one connection to the origin for each client, and for each message one `recv` and
// one `send`; no parsing, no pool, no clock, no buffer that outlives the turn, no second look. It
// is for the keep-alive load with its small messages and for nothing else: what a socket does not
// take at once is lost and ends both connections.
//
// The first line on standard output is the bound address.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

constexpr int kBacklog = 4096;
constexpr int kEventsAtOnce = 256;
constexpr int kNobody = -1;

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "bench_floor: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

sockaddr_in parse_address(const char* option, const std::string& text) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  const size_t colon = text.rfind(':');
  const int port = colon == std::string::npos ? -1 : std::atoi(text.c_str() + colon + 1);
  if (port < 0 || port > 65535 ||
      inet_pton(AF_INET, text.substr(0, colon).c_str(), &address.sin_addr) != 1) {
    std::fprintf(stderr, "bench_floor: %s wants IPV4:PORT, found '%s'\n", option, text.c_str());
    std::exit(2);
  }
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

class Relay {
 public:
  Relay(sockaddr_in listen_on, sockaddr_in origin)
      : origin_(origin), poll_(epoll_create1(EPOLL_CLOEXEC)) {
    if (poll_ < 0) fail("epoll_create1");
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1;
    setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(listener_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // accepted ones inherit it
    socklen_t size = sizeof listen_on;
    if (bind(listener_, reinterpret_cast<sockaddr*>(&listen_on), size) != 0) fail("bind");
    if (listen(listener_, kBacklog) != 0) fail("listen");
    if (getsockname(listener_, reinterpret_cast<sockaddr*>(&listen_on), &size) != 0) {
      fail("getsockname");
    }
    std::array<char, INET_ADDRSTRLEN> host{};
    inet_ntop(AF_INET, &listen_on.sin_addr, host.data(), host.size());
    std::printf("%s:%d\n", host.data(), ntohs(listen_on.sin_port));
    std::fflush(stdout);
    watch(listener_);
  }

  [[noreturn]] void run() {
    for (std::array<epoll_event, kEventsAtOnce> events{};;) {
      const int ready = epoll_wait(poll_, events.data(), kEventsAtOnce, -1);
      for (int i = 0; i < ready; ++i) {
        const int fd = events[static_cast<size_t>(i)].data.fd;
        fd == listener_ ? accept_one() : pass_on(fd);
      }
    }
  }

 private:
  void watch(int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    if (epoll_ctl(poll_, EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll_ctl");
  }

  int& other_of(int fd) {
    const auto at = static_cast<size_t>(fd);
    if (at >= others_.size()) others_.resize(at + 1, kNobody);
    return others_[at];
  }

  void accept_one() {
    const int client = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (client < 0) return;
    const int upstream = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(upstream, reinterpret_cast<sockaddr*>(&origin_), sizeof origin_) != 0) {
      std::fprintf(stderr, "bench_floor: the origin cannot be reached: %s\n", std::strerror(errno));
      close(upstream);
      close(client);
      return;
    }
    const int on = 1;
    setsockopt(upstream, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    other_of(client) = upstream;
    other_of(upstream) = client;
    watch(client);
    watch(upstream);
  }

  void pass_on(int fd) {
    const int other = other_of(fd);
    if (other == kNobody) return;  // closed earlier in this turn
    const ssize_t size = recv(fd, bytes_.data(), bytes_.size(), MSG_DONTWAIT);
    if (size < 0 && errno == EAGAIN) return;
    const auto whole = MSG_NOSIGNAL | MSG_DONTWAIT;
    if (size > 0 && send(other, bytes_.data(), static_cast<size_t>(size), whole) == size) return;
    other_of(fd) = other_of(other) = kNobody;
    close(fd);
    close(other);
  }

  sockaddr_in origin_;
  int poll_;
  int listener_ = kNobody;
  std::vector<int> others_;  // by descriptor
  std::array<char, 65536> bytes_{};
};

}  // namespace

int main(int count, char** words) {
  if (count != 5 || std::string(words[1]) != "--listen" || std::string(words[3]) != "--to") {
    std::fprintf(stderr, "usage: bench_floor --listen IPV4:PORT --to IPV4:PORT\n");
    return 2;
  }
  Relay(parse_address("--listen", words[2]), parse_address("--to", words[4])).run();
}
