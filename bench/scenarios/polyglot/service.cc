// SPDX-License-Identifier: MIT
// The little API in C++: a thread for each connection, nothing but the system's headers. See
// service.py for what all four answer.
//
//   service --port 9004
//
// The one idea: a request here is a short head without a body, so a connection is a string that is
// answered at each empty line, at once or when its moment has come.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>

namespace {

constexpr int kBacklog = 4096;
constexpr std::size_t kHeadLimit = 64 * 1024;

std::atomic<long> accepts;
std::atomic<long> requests;

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

int listen_on(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // accepted sockets inherit it
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fail("bind");
  if (listen(fd, kBacklog) != 0) fail("listen");
  return fd;
}

struct Answer {
  const char* status = "200 OK";
  std::string body = R"({"service":"cpp","status":"ok"})";
};

Answer answer_to(std::string_view line) {
  if (line.starts_with("GET /__counts ")) {
    return {.body = "{\"accepts\":" + std::to_string(accepts) +
                    ",\"requests\":" + std::to_string(requests) + "}"};
  }
  const long number = ++requests;
  if (line.starts_with("GET /cpp/paced ")) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10 + 7 * number % 41));
  } else if (!line.starts_with("GET /cpp/health ")) {
    return {"404 Not Found", R"({"error":"no such path"})"};
  }
  return {};
}

// Whether the connection stays: HTTP/1.0 has to ask for it, HTTP/1.1 against it.
bool keeps(const std::string& head, std::string_view line) {
  const bool asks = line.ends_with("HTTP/1.0");
  const char* field = asks ? "\r\nconnection: keep-alive" : "\r\nconnection: close";
  return (strcasestr(head.c_str(), field) != nullptr) == asks;
}

void serve(int fd) {
  std::string input;
  std::array<char, 16 * 1024> buffer;
  for (bool keep = true; keep;) {
    const std::size_t end = input.find("\r\n\r\n");
    if (end == std::string::npos) {
      const ssize_t size = read(fd, buffer.data(), buffer.size());
      if (size <= 0 || input.size() > kHeadLimit) break;
      input.append(buffer.data(), static_cast<std::size_t>(size));
      continue;
    }
    const std::string head = input.substr(0, end);
    input.erase(0, end + 4);
    const std::string_view line = std::string_view(head).substr(0, head.find("\r\n"));
    keep = keeps(head, line);
    const Answer answer = answer_to(line);
    const std::string text = std::string("HTTP/1.1 ") + answer.status +
                             "\r\nContent-Type: application/json\r\nContent-Length: " +
                             std::to_string(answer.body.size()) +
                             (keep ? "\r\nConnection: keep-alive" : "\r\nConnection: close") +
                             "\r\n\r\n" + answer.body;
    if (send(fd, text.data(), text.size(), MSG_NOSIGNAL) < 0) break;
  }
  close(fd);
}

}  // namespace

int main(int argc, char** argv) {
  int port = 0;
  for (int i = 1; i + 1 < argc; ++i) {
    if (std::string_view(argv[i]) == "--port") port = std::atoi(argv[i + 1]);
  }
  const int listener = listen_on(port);
  for (int fd; (fd = accept(listener, nullptr, nullptr)) >= 0;) {
    ++accepts;
    std::thread(serve, fd).detach();
  }
}
