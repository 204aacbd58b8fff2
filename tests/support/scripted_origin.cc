// SPDX-License-Identifier: MIT
// One accepting thread, one thread per connection, all joined on destruction.
#include "tests/support/scripted_origin.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "tests/support/catch.h"
#include "tests/support/gate.h"

namespace onehop::test {

OriginConnection::OriginConnection(int fd, int index, ScriptedOrigin& origin)
    : Peer(fd), index_(index), origin_(origin) {}

std::optional<Request> OriginConnection::read_request_head() {
  std::optional<Request> request = Peer::read_request_head();
  if (request) origin_.note(*request);
  return request;
}

std::optional<Request> OriginConnection::read_request() {
  std::optional<Request> request = Peer::read_request();
  if (request) origin_.note(*request);
  return request;
}

Request OriginConnection::must_read_request() {
  std::optional<Request> request = read_request();
  if (!request) throw PeerError("the connection ended where a request was expected");
  return *request;
}

std::pair<int, std::string> bind_loopback(int backlog) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof in;
  const bool bound = fd >= 0 && ::bind(fd, reinterpret_cast<sockaddr*>(&in), size) == 0 &&
                     (backlog < 0 || ::listen(fd, backlog) == 0) &&
                     ::getsockname(fd, reinterpret_cast<sockaddr*>(&in), &size) == 0;
  if (!bound) throw PeerError(std::string("cannot bind: ") + std::strerror(errno));
  return {fd, "127.0.0.1:" + std::to_string(ntohs(in.sin_port))};
}

int bind_path(const std::string& path, int backlog) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  path.copy(at.sun_path, sizeof at.sun_path - 1);
  const bool bound = fd >= 0 &&
                     ::bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0 &&
                     ::listen(fd, backlog) == 0;
  if (!bound) throw PeerError("cannot bind " + path + ": " + std::strerror(errno));
  return fd;
}

std::string unused_address() {
  // Bound and never listening, and never closed: nobody else of this machine is given the port
  // while the test runs.
  return bind_loopback(-1).second;
}

ScriptedOrigin::ScriptedOrigin(Script script) : script_(std::move(script)) {
  std::tie(listen_fd_, address_) = bind_loopback(512);
  acceptor_ = std::thread([this] { accept_loop(); });
}

ScriptedOrigin::ScriptedOrigin(Script script, const std::string& path)
    : script_(std::move(script)), listen_fd_(bind_path(path, 512)), address_("unix:" + path) {
  acceptor_ = std::thread([this] { accept_loop(); });
}

ScriptedOrigin::~ScriptedOrigin() {
  stopping_ = true;
  ::shutdown(listen_fd_, SHUT_RDWR);
  acceptor_.join();
  ::close(listen_fd_);
  {
    const std::lock_guard lock(mutex_);
    for (OriginConnection& connection : connections_) {
      if (connection.fd() >= 0) connection.shut();
    }
  }
  for (std::thread& thread : threads_) thread.join();
  for (const std::string& failure : failures_) FAIL_CHECK("origin " << address_ << ": " << failure);
}

ScriptedOrigin::Script ScriptedOrigin::always(std::string response) {
  return answering([response = std::move(response)](const Request&) { return response; });
}

ScriptedOrigin::Script ScriptedOrigin::answering(Answer answer) {
  return [answer = std::move(answer)](OriginConnection& connection) {
    while (const std::optional<Request> request = connection.read_request()) {
      if (!connection.try_send(answer(*request))) return;
    }
  };
}

ScriptedOrigin::Script ScriptedOrigin::once_open(Gate& gate, std::string response) {
  return [&gate, response = std::move(response)](OriginConnection& connection) {
    connection.must_read_request();
    gate.wait();
    connection.send(response);
    connection.wait_end();
  };
}

std::vector<Request> ScriptedOrigin::seen() const {
  const std::lock_guard lock(mutex_);
  return seen_;
}

Request ScriptedOrigin::last() const {
  const std::lock_guard lock(mutex_);
  if (seen_.empty()) throw PeerError("the origin has seen no request");
  return seen_.back();
}

std::vector<std::string> ScriptedOrigin::failures() const {
  const std::lock_guard lock(mutex_);
  return failures_;
}

void ScriptedOrigin::note(const Request& request) {
  const std::lock_guard lock(mutex_);
  seen_.push_back(request);
  ++requests_;
}

void ScriptedOrigin::accept_loop() {
  while (!stopping_) {
    const int fd = ::accept4(listen_fd_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      return;
    }
    const std::lock_guard lock(mutex_);
    OriginConnection& connection = connections_.emplace_back(fd, accepts_++, *this);
    ++open_;
    threads_.emplace_back([this, &connection] { run(connection); });
  }
}

void ScriptedOrigin::run(OriginConnection& connection) {
  try {
    script_(connection);
  } catch (const std::exception& error) {
    const std::lock_guard lock(mutex_);
    if (!stopping_) {
      failures_.push_back("connection " + std::to_string(connection.index()) + ": " + error.what());
    }
  }
  const std::lock_guard lock(mutex_);
  connection.close();
  --open_;
}

}  // namespace onehop::test
