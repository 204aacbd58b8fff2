// SPDX-License-Identifier: MIT
// The socket of a connection, level-triggered: what is left unread is reported again.
#include "connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace onehop::bench {
namespace {

// What leaves in one piece needs no TCP_NODELAY, and the system call is spared.
constexpr std::size_t kOneSegmentBytes = 1024;

Fault fault_of(int error, bool established) {
  switch (error) {
    case ECONNREFUSED:
      return Fault::connect_refused;
    case EADDRNOTAVAIL:
      return Fault::ports;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return Fault::descriptors;
    case ECONNRESET:
    case EPIPE:
      return Fault::reset;
    default:
      return established ? Fault::reset : Fault::connect_other;
  }
}

}  // namespace

Progress Connection::start(int epoll_fd, const Address& to, std::string_view request) {
  epoll_fd_ = epoll_fd;
  reused_ = stage_ == Stage::idle;
  send_failed_ = false;
  peer_closed_ = false;
  stage_ = Stage::busy;
  unsent_ = request;
  answer_.start();
  if (!reused_ && open(to) == Progress::failed) return Progress::failed;
  return send_rest();
}

Progress Connection::open(const Address& to) {
  established_ = false;
  const int family = to.raw()->sa_family;
  fd_ = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return fail_with(errno);
  if (unsent_.size() > kOneSegmentBytes) {
    const int on = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  if (connect(fd_, to.raw(), to.size()) != 0 && errno != EINPROGRESS) return fail_with(errno);
  return Progress::pending;
}

Progress Connection::send_rest() {
  while (!unsent_.empty()) {
    const ssize_t sent = send(fd_, unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      established_ = true;
      unsent_.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN) {
      break;
    } else if (established_ && (errno == EPIPE || errno == ECONNRESET)) {
      send_failed_ = true;
      break;
    } else if (errno != EINTR) {
      return fail_with(errno);
    }
  }
  update_interest();
  return stage_ == Stage::busy ? Progress::pending : Progress::failed;
}

Progress Connection::on_ready(std::uint32_t events, std::span<char> room) {
  if ((events & (EPOLLRDHUP | EPOLLHUP)) != 0) peer_closed_ = true;
  // Reading comes first: a server may answer, and close, before it has the whole request.
  if ((events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0) {
    const Progress progress = receive(room);
    if (progress != Progress::pending) return progress;
  }
  return sent_all() || send_failed_ ? Progress::pending : send_rest();
}

Progress Connection::receive(std::span<char> room) {
  const ssize_t got = recv(fd_, room.data(), room.size(), 0);
  if (got < 0) return errno == EAGAIN || errno == EINTR ? Progress::pending : fail_with(errno);
  using State = AnswerReader::State;
  const State state =
      got == 0 ? answer_.on_close() : answer_.feed({room.data(), static_cast<std::size_t>(got)});
  if (state == State::done) return Progress::answered;
  if (state == State::unreadable) return fail(Fault::unreadable);
  if (got > 0) return Progress::pending;
  return fail(send_failed_ ? Fault::reset : Fault::closed_early);
}

bool Connection::still_quiet(std::span<char> room) const {
  return recv(fd_, room.data(), room.size(), 0) < 0 && (errno == EAGAIN || errno == EINTR);
}

bool Connection::was_stale() const {
  return reused_ && !answer_.started() && (fault_ == Fault::reset || fault_ == Fault::closed_early);
}

void Connection::update_interest() {
  const std::uint32_t wanted =
      EPOLLIN | EPOLLRDHUP | (sent_all() || send_failed_ ? 0u : static_cast<unsigned>(EPOLLOUT));
  if (wanted == interest_) return;
  epoll_event event{.events = wanted, .data = {.u64 = key()}};
  const int operation = interest_ == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
  interest_ = wanted;
  if (epoll_ctl(epoll_fd_, operation, fd_, &event) != 0) fail_with(errno);
}

Progress Connection::fail(Fault fault) {
  fault_ = fault;
  close();
  return Progress::failed;
}

Progress Connection::fail_with(int error) {
  return fail(fault_of(error, established_));
}

void Connection::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
  interest_ = 0;
  ++uses_;
  answer_.release();
  stage_ = Stage::closed;
}

}  // namespace onehop::bench
