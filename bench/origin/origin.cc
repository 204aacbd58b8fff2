// SPDX-License-Identifier: MIT
// bench_origin: a small HTTP/1.1 keep-alive origin for benches and tests, so that what a proxy
// opened and forwarded is counted by somebody who is not the proxy.
//
// The one idea: one thread, one epoll, level-triggered, so that it costs little more than its
// system calls and is not what limits a measurement.
//
//   GET /size/N     N bytes, streamed
//   GET /__counts   {"accepts":N,"requests":N,"open":N,"bytes_received":N}; see `Counts` in
//                   connection.h for how the connections that ask are counted
//   GET /__reset    the same, after zeroing all but `open`
//   anything else   `--body` bytes, or with `--echo` the request's own body
//
// The first line on standard output is the bound address.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <memory>
#include <unordered_map>

#include "connection.h"

namespace onehop::bench {
namespace {

constexpr int kBacklog = 4096;
constexpr int kEventsAtOnce = 256;
constexpr int kMostForAnOption = 1'000'000'000;  // as milliseconds, eleven days

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "bench_origin: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

sockaddr_in parse_address(const std::string& text) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  const std::size_t colon = text.rfind(':');
  const std::string host = text.substr(0, colon);
  const int port = colon == std::string::npos ? -1 : std::atoi(text.c_str() + colon + 1);
  if (port < 0 || port > 65535 || inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) {
    std::fprintf(stderr, "bench_origin: --listen wants IPV4:PORT, found '%s'\n", text.c_str());
    std::exit(2);
  }
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return address;
}

int listen_on(const std::string& text) {
  sockaddr_in address = parse_address(text);
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // accepted sockets inherit it
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  if (bind(fd, generic, size) != 0) fail("bind");
  if (listen(fd, kBacklog) != 0) fail("listen");
  if (getsockname(fd, generic, &size) != 0) fail("getsockname");
  std::array<char, INET_ADDRSTRLEN> host{};
  inet_ntop(AF_INET, &address.sin_addr, host.data(), host.size());
  std::printf("%s:%d\n", host.data(), ntohs(address.sin_port));
  std::fflush(stdout);
  return fd;
}

// Owns the connections.
class Loop {
 public:
  explicit Loop(Options options)
      : shared_(std::move(options)), listener_fd_(listen_on(shared_.options.listen)) {
    shared_.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    epoll_event event{.events = EPOLLIN, .data = {.fd = listener_fd_}};
    if (epoll_ctl(shared_.epoll_fd, EPOLL_CTL_ADD, listener_fd_, &event) != 0) fail("epoll_ctl");
  }

  // Until a signal ends the process.
  [[noreturn]] void run() {
    std::array<epoll_event, kEventsAtOnce> events{};
    for (;;) {
      const int count = epoll_wait(shared_.epoll_fd, events.data(), kEventsAtOnce, wait_ms());
      if (count < 0 && errno != EINTR) fail("epoll_wait");
      for (int i = 0; i < count; ++i) {
        if (events[i].data.fd == listener_fd_) {
          accept_all();
        } else {
          const auto found = connections_.find(events[i].data.fd);
          if (found->second->on_ready(events[i].events) == Alive::no) connections_.erase(found);
        }
      }
      run_deadlines();
    }
  }

 private:
  [[nodiscard]] int wait_ms() const {
    if (shared_.deadlines.empty()) return -1;
    const auto left = shared_.deadlines.begin()->first - Clock::now();
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    return static_cast<int>(std::max<std::int64_t>(ms, 0));
  }

  void accept_all() {
    for (;;) {
      const int fd = accept4(listener_fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd >= 0) {
        connections_.emplace(fd, std::make_unique<Connection>(fd, shared_));
      } else if (errno == EAGAIN) {
        return;
      } else if (errno != EINTR && errno != ECONNABORTED) {
        fail("accept");  // such as EMFILE: a measurement short of descriptors is none
      }
    }
  }

  void run_deadlines() {
    if (shared_.deadlines.empty()) return;
    const Clock::time_point now = Clock::now();
    while (!shared_.deadlines.empty() && shared_.deadlines.begin()->first <= now) {
      const auto found = connections_.find(shared_.deadlines.begin()->second);
      if (found->second->on_deadline() == Alive::no) connections_.erase(found);
    }
  }

  Shared shared_;
  int listener_fd_;
  std::unordered_map<int, std::unique_ptr<Connection>> connections_;  // by fd
};

void raise_descriptor_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace
}  // namespace onehop::bench

int main(int argc, char** argv) {
  onehop::bench::Options options;
  CLI::App app{"A small HTTP/1.1 origin that counts, for benches and tests."};
  app.add_option("--listen", options.listen, "IPV4:PORT; port 0 chooses one")
      ->capture_default_str();
  app.add_option("--body", options.body_bytes, "bytes of an answer's body")->capture_default_str();
  app.add_option("--delay", options.delay_ms, "milliseconds before an answer begins");
  app.add_option("--jitter", options.jitter_ms, "up to so many milliseconds more, at random");
  app.add_option("--error-rate", options.error_rate, "fraction of answers that are a 503")
      ->check(CLI::Range(0.0, 1.0));
  app.add_option("--close-after", options.close_after,
                 "announce and close after so many requests on a connection");
  app.add_option("--close-idle", options.close_idle_ms,
                 "close a connection, unannounced, when idle for so many milliseconds");
  app.add_flag("--echo", options.echo, "answer with the request's body, framed as it came");
  for (CLI::Option* option : app.get_options()) {
    if (option->get_type_name() == "INT")
      option->check(CLI::Range(0, onehop::bench::kMostForAnOption));
  }
  CLI11_PARSE(app, argc, argv);
  std::signal(SIGPIPE, SIG_IGN);
  onehop::bench::raise_descriptor_limit();
  onehop::bench::Loop(options).run();
}
