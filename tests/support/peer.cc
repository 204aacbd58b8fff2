// SPDX-License-Identifier: MIT
// Blocking reads and writes with poll in front, so that each has a deadline.
#include "tests/support/peer.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "tests/support/receive_queue.h"

namespace onehop::test {
namespace {

sockaddr_in parse_address(const std::string& address) {
  const size_t colon = address.rfind(':');
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_port = htons(static_cast<uint16_t>(std::stoi(address.substr(colon + 1))));
  if (inet_pton(AF_INET, address.substr(0, colon).c_str(), &in.sin_addr) != 1) {
    throw PeerError("not an IPv4 address: " + address);
  }
  return in;
}

bool ready(int fd, short events, milliseconds limit) {
  pollfd item{fd, events, 0};
  return ::poll(&item, 1, static_cast<int>(limit.count())) > 0;
}

// A sample of the bytes for an error message.
std::string shown(std::string_view bytes) {
  std::string out = std::to_string(bytes.size()) + " bytes";
  if (!bytes.empty()) out += ": \"" + std::string(bytes.substr(0, 300)) + "\"";
  return out;
}

}  // namespace

Peer::Peer(int fd) : fd_(fd) {
  ::fcntl(fd_, F_SETFL, ::fcntl(fd_, F_GETFL) | O_NONBLOCK);
  const int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

Peer::Peer(Peer&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), input_(std::move(other.input_)) {}

Peer& Peer::operator=(Peer&& other) noexcept {
  close();
  fd_ = std::exchange(other.fd_, -1);
  input_ = std::move(other.input_);
  return *this;
}

Peer::~Peer() {
  close();
}

Peer Peer::connect(const std::string& address, int receive_buffer) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw PeerError(std::string("socket: ") + std::strerror(errno));
  Peer peer(fd);
  if (receive_buffer != 0) {
    ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  }
  const sockaddr_in in = parse_address(address);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&in), sizeof in) == 0) return peer;
  if (errno != EINPROGRESS) throw PeerError("connect " + address + ": " + std::strerror(errno));
  if (!ready(fd, POLLOUT, patience())) throw PeerError("connect " + address + ": no answer");
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) throw PeerError("connect " + address + ": " + std::strerror(error));
  return peer;
}

void Peer::send(std::string_view bytes) {
  const Deadline deadline;
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n >= 0) {
      bytes.remove_prefix(static_cast<size_t>(n));
    } else if (errno != EAGAIN) {
      throw PeerError(std::string("send: ") + std::strerror(errno));
    } else if (!ready(fd_, POLLOUT, deadline.left())) {
      throw PeerError("send: the other side takes nothing, left to send: " + shown(bytes));
    }
  }
}

bool Peer::try_send(std::string_view bytes) {
  try {
    send(bytes);
    return true;
  } catch (const PeerError&) {
    return false;
  }
}

size_t Peer::send_until_stuck(std::string_view bytes, milliseconds quiet) {
  size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t n = ::send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (n >= 0) {
      sent += static_cast<size_t>(n);
    } else if (errno != EAGAIN) {
      throw PeerError(std::string("send: ") + std::strerror(errno));
    } else if (!ready(fd_, POLLOUT, quiet)) {
      break;
    }
  }
  return sent;
}

void Peer::wait_until_read() {
  eventually([this] { return everything_was_read(fd_); }, Deadline(patience(milliseconds(200))));
}

Peer::Got Peer::receive(Deadline deadline) {
  static thread_local std::array<char, 65536> block;
  while (true) {
    const ssize_t n = ::recv(fd_, block.data(), block.size(), 0);
    if (n > 0) {
      input_.append(block.data(), static_cast<size_t>(n));
      return Got::bytes;
    }
    if (n == 0) return Got::closed;
    if (errno != EAGAIN) return Got::reset;
    if (!ready(fd_, POLLIN, deadline.left())) return Got::nothing;
  }
}

void Peer::need(Deadline deadline, std::string_view what) {
  const Got got = receive(deadline);
  if (got == Got::bytes) return;
  const char* how = got == Got::closed  ? "the connection was closed"
                    : got == Got::reset ? "the connection was reset"
                                        : "nothing more came in time";
  throw PeerError("waiting for " + std::string(what) + ": " + how + " after " + shown(input_));
}

std::string Peer::take(size_t size) {
  std::string out = input_.substr(0, size);
  input_.erase(0, size);
  return out;
}

std::string Peer::read_some() {
  if (input_.empty()) {
    const Got got = receive(Deadline());
    if (got == Got::closed) return "";
    if (got != Got::bytes) {
      throw PeerError(got == Got::reset ? "the connection was reset" : "nothing came in time");
    }
  }
  return take(input_.size());
}

std::string Peer::read_exact(size_t size) {
  if (input_.empty()) input_.reserve(size);
  Deadline deadline;
  while (input_.size() < size) {
    need(deadline, std::to_string(size) + " bytes");
    deadline = Deadline();  // a large body may take long, as long as it moves
  }
  return take(size);
}

std::string Peer::read_through(std::string_view mark) {
  const Deadline deadline;
  size_t at = 0;
  while ((at = input_.find(mark)) == std::string::npos) need(deadline, "the end of a head or line");
  return take(at + mark.size());
}

std::string Peer::try_read_some() {
  if (input_.empty() && receive(Deadline()) == Got::nothing)
    throw PeerError("nothing came in time");
  return take(input_.size());
}

Rest Peer::read_rest() {
  while (true) {
    switch (receive(Deadline())) {
      case Got::bytes:
        break;
      case Got::closed:
        return {take(input_.size()), End::closed};
      case Got::reset:
        return {take(input_.size()), End::reset};
      case Got::nothing:
        throw PeerError("the connection was not closed; came so far: " + shown(input_));
    }
  }
}

End Peer::wait_end() {
  const Rest rest = read_rest();
  if (!rest.bytes.empty()) {
    throw PeerError("expected the end of the connection, first came " + shown(rest.bytes));
  }
  return rest.end;
}

bool Peer::quiet_for(milliseconds time) {
  return input_.empty() && receive(Deadline(time)) == Got::nothing;
}

std::optional<Request> Peer::read_request_head() {
  if (input_.empty()) {
    const Got got = receive(Deadline(patience(milliseconds(20000))));
    if (got == Got::closed || got == Got::reset) return std::nullopt;
    if (got == Got::nothing) throw PeerError("no request came in time");
  }
  return parse_request_head(read_through("\r\n\r\n"));
}

std::optional<Request> Peer::read_request() {
  std::optional<Request> request = read_request_head();
  if (request) {
    read_body(*request, false);
    if (!request->complete) throw PeerError("the request's body was cut short");
  }
  return request;
}

Response Peer::read_response_head() {
  return parse_response_head(read_through("\r\n\r\n"));
}

Response Peer::read_response(std::string_view method) {
  Response response = read_response_head();
  const bool bodiless =
      method == "HEAD" || response.status < 200 || response.status == 204 || response.status == 304;
  if (bodiless) return response;
  response.closed =
      !response.fields.has("Transfer-Encoding") && !response.fields.has("Content-Length");
  read_body(response, response.closed);
  return response;
}

Response Peer::final_response(std::string_view method) {
  Response response = read_response(method);
  while (response.status < 200 && response.status != 101) response = read_response(method);
  return response;
}

void Peer::read_body(Message& message, bool until_close) {
  if (until_close) {
    const Rest rest = read_rest();
    message.body = rest.bytes;
    message.complete = rest.end == End::closed;
  } else if (message.fields.has("Transfer-Encoding")) {
    if (!same_ignoring_case(message.field("Transfer-Encoding"), "chunked")) {
      throw PeerError("a strange Transfer-Encoding: " + message.field("Transfer-Encoding"));
    }
    message.chunked = true;
    read_chunked(message);
  } else if (message.fields.has("Content-Length")) {
    const size_t size = std::stoull(message.field("Content-Length"));
    while (input_.size() < size && message.complete) {
      const Got got = receive(Deadline());
      if (got == Got::nothing) throw PeerError("a body stopped after " + shown(input_));
      message.complete = got == Got::bytes;
    }
    message.body = take(std::min(size, input_.size()));
  }
}

void Peer::read_chunked(Message& message) {
  try {
    std::string chunk;
    while (!(chunk = read_chunk()).empty()) message.body += chunk;
    std::string lines;
    std::string line;
    while ((line = read_through("\r\n")) != "\r\n") lines += line;
    message.trailers = parse_fields(lines);
  } catch (const PeerError& error) {
    const std::string_view what = error.what();
    const bool ended = what.find("was closed") != std::string_view::npos ||
                       what.find("was reset") != std::string_view::npos;
    if (!ended) throw;
    message.body += take(input_.size());  // what came of the chunk, framing included
    message.complete = false;
  }
}

std::string Peer::read_chunk() {
  const std::string line = read_through("\r\n");
  size_t used = 0;
  size_t size = 0;
  try {
    size = std::stoull(line, &used, 16);
  } catch (const std::exception&) {
    used = 0;
  }
  if (used == 0 || used + 2 != line.size()) throw PeerError("not a chunk size: " + shown(line));
  if (size == 0) return "";
  std::string data = read_exact(size);
  if (read_exact(2) != "\r\n") throw PeerError("a chunk does not end in CRLF");
  return data;
}

void Peer::half_close() {
  ::shutdown(fd_, SHUT_WR);
}

void Peer::reset() {
  if (fd_ < 0) return;
  const linger at_once{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close();
}

void Peer::close() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

void Peer::shut() {
  ::shutdown(fd_, SHUT_RDWR);
}

uint16_t Peer::local_port() const {
  sockaddr_in in{};
  socklen_t size = sizeof in;
  ::getsockname(fd_, reinterpret_cast<sockaddr*>(&in), &size);
  return ntohs(in.sin_port);
}

}  // namespace onehop::test
