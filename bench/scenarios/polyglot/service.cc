// SPDX-License-Identifier: MIT
// The little API in C++: one thread, one epoll, nothing but the system's headers. See service.py
// for what all four answer.
//
//   service --port 9004
//
// The one idea: a request here is a short head without a body, so a connection is no more than a
// string that is answered at each empty line, at once or when its moment has come.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kBacklog = 4096;
constexpr int kEventsAtOnce = 256;
constexpr std::size_t kHeadLimit = 64 * 1024;
constexpr std::string_view kHealth = R"({"service":"cpp","status":"ok"})";

volatile std::sig_atomic_t told_to_stop = 0;

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "service: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

// An answer, whether the connection stays, and when it is due.
struct Answer {
  std::string text;
  bool keep = true;
  std::chrono::milliseconds after{0};
};

void fill(Answer& answer, const char* status, std::string_view body) {
  answer.text = "HTTP/1.1 ";
  answer.text.append(status).append("\r\nContent-Type: application/json\r\nContent-Length: ");
  answer.text.append(std::to_string(body.size())).append("\r\nConnection: ");
  answer.text.append(answer.keep ? "keep-alive" : "close").append("\r\n\r\n").append(body);
}

bool says(std::string_view head, const char* field) {
  return strcasestr(std::string(head).c_str(), field) != nullptr;
}

int listen_on(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // accepted sockets inherit it
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  if (bind(fd, generic, size) != 0) fail("bind");
  if (listen(fd, kBacklog) != 0) fail("listen");
  getsockname(fd, generic, &size);
  std::printf("127.0.0.1:%d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  return fd;
}

class Service {
 public:
  explicit Service(int listener) : listener_fd_(listener), epoll_fd_(epoll_create1(0)) {
    watch(listener);
  }

  void run() {
    std::array<epoll_event, kEventsAtOnce> events{};
    while (told_to_stop == 0) {
      const int ready = epoll_wait(epoll_fd_, events.data(), kEventsAtOnce, wait_ms());
      for (int i = 0; i < ready; ++i) {
        const int fd = events[static_cast<std::size_t>(i)].data.fd;
        fd == listener_fd_ ? accept_all() : read_from(fd);
      }
      send_due();
    }
  }

 private:
  void watch(int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    if (epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll_ctl");
  }

  void accept_all() {
    for (int fd; (fd = accept4(listener_fd_, nullptr, nullptr, SOCK_NONBLOCK)) >= 0;) {
      ++accepts_;
      watch(fd);
    }
  }

  [[nodiscard]] int wait_ms() const {
    if (due_.empty()) return -1;
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(due_.begin()->first - Clock::now());
    return std::max(static_cast<int>(left.count()), 0);
  }

  Answer answer(std::string_view head) {
    const std::string_view line = head.substr(0, head.find("\r\n"));
    Answer answer;
    answer.keep = line.ends_with("HTTP/1.0") ? says(head, "\r\nconnection: keep-alive")
                                             : !says(head, "\r\nconnection: close");
    if (line.starts_with("GET /__counts ")) {
      fill(answer, "200 OK",
           "{\"accepts\":" + std::to_string(accepts_) +
               ",\"requests\":" + std::to_string(requests_) + "}");
      return answer;
    }
    ++requests_;
    const bool paced = line.starts_with("GET /cpp/paced ");
    if (paced) answer.after = std::chrono::milliseconds(10 + 7 * requests_ % 41);
    if (paced || line.starts_with("GET /cpp/health ")) {
      fill(answer, "200 OK", kHealth);
    } else {
      fill(answer, "404 Not Found", R"({"error":"no such path"})");
    }
    return answer;
  }

  void read_from(int fd) {
    std::array<char, 16 * 1024> buffer;
    std::string& input = inputs_[fd];
    const ssize_t size = read(fd, buffer.data(), buffer.size());
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (size <= 0 || input.size() > kHeadLimit) return drop(fd);
    input.append(buffer.data(), static_cast<std::size_t>(size));
    for (std::size_t end; (end = input.find("\r\n\r\n")) != std::string::npos;) {
      const Answer next = answer(std::string_view(input).substr(0, end));
      input.erase(0, end + 4);
      if (next.after.count() > 0) {
        due_.emplace(Clock::now() + next.after, Due{fd, next});
      } else if (!send(fd, next)) {
        return;
      }
    }
  }

  void send_due() {
    while (!due_.empty() && due_.begin()->first <= Clock::now()) {
      const Due due = due_.begin()->second;
      due_.erase(due_.begin());
      send(due.fd, due.answer);
    }
  }

  // Answers are far smaller than a socket's buffer, so one that does not fit means a client that
  // never reads. False: the connection is gone.
  bool send(int fd, const Answer& answer) {
    const ssize_t written = write(fd, answer.text.data(), answer.text.size());
    if (answer.keep && written == static_cast<ssize_t>(answer.text.size())) return true;
    drop(fd);
    return false;
  }

  void drop(int fd) {
    std::erase_if(due_, [fd](const auto& entry) { return entry.second.fd == fd; });
    inputs_.erase(fd);
    close(fd);
  }

  struct Due {
    int fd;
    Answer answer;
  };

  int listener_fd_;
  int epoll_fd_;
  long accepts_ = 0;
  long requests_ = 0;
  std::unordered_map<int, std::string> inputs_;  // read and not yet answered, by fd
  std::multimap<Clock::time_point, Due> due_;
};

}  // namespace

int main(int argc, char** argv) {
  int port = 0;
  for (int i = 1; i + 1 < argc; ++i) {
    if (std::string_view(argv[i]) == "--port") port = std::atoi(argv[i + 1]);
  }
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGTERM, [](int) { told_to_stop = 1; });
  Service(listen_on(port)).run();
}
