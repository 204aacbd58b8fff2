// SPDX-License-Identifier: MIT
// bench_origin: a small HTTP/1.1 keep-alive origin, so that what a proxy opened and forwarded is
// counted by somebody who is not the proxy.
//
// The one idea: one thread, one epoll, level-triggered, so that it costs little more than its
// system calls and is not what limits a measurement.
//
//   GET /size/N     N bytes, streamed
//   GET /__counts   {"accepts":N,"requests":N,"bytes_received":N}; see `Counts` in connection.h
//                   for how the connections that ask are counted
//   anything else   `--body` bytes
//
// The first line on standard output is the bound address.
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <memory>
#include <unordered_map>

#include "../sockets.h"
#include "connection.h"

namespace onehop::bench {
namespace {

constexpr int kEventsAtOnce = 256;
constexpr int kMostDelayMs = 1'000'000'000;  // eleven days

// Owns the connections.
class Loop {
 public:
  explicit Loop(Options options)
      : shared_(std::move(options)),
        listener_fd_(listen_on(parse_address("--listen", shared_.options.listen))) {
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
      answer_delayed();
    }
  }

 private:
  [[nodiscard]] int wait_ms() const {
    if (shared_.delayed.empty()) return -1;
    const auto left = shared_.delayed.begin()->first - Clock::now();
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

  void answer_delayed() {
    const Clock::time_point now = Clock::now();
    while (!shared_.delayed.empty() && shared_.delayed.begin()->first <= now) {
      const auto found = connections_.find(shared_.delayed.begin()->second);
      if (found->second->on_due() == Alive::no) connections_.erase(found);
    }
  }

  Shared shared_;
  int listener_fd_;
  std::unordered_map<int, std::unique_ptr<Connection>> connections_;  // by fd
};

}  // namespace
}  // namespace onehop::bench

int main(int argc, char** argv) {
  onehop::bench::Options options;
  CLI::App app{"A small HTTP/1.1 origin that counts, for benches."};
  app.add_option("--listen", options.listen, "IPV4:PORT; port 0 chooses one")
      ->capture_default_str();
  app.add_option("--body", options.body_bytes, "bytes of an answer's body")->capture_default_str();
  app.add_option("--delay", options.delay_ms, "milliseconds before an answer begins")
      ->check(CLI::Range(0, onehop::bench::kMostDelayMs));
  CLI11_PARSE(app, argc, argv);
  std::signal(SIGPIPE, SIG_IGN);
  onehop::bench::raise_descriptor_limit();
  onehop::bench::Loop(options).run();
}
