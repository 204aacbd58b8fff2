// SPDX-License-Identifier: MIT
#include "onehop/net/listener.h"

#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "accept_budget.h"
#include "tcp_transport.h"

namespace onehop::net {

ListeningSocket::ListeningSocket(ListeningSocket&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      local_(other.local_),
      accepts_(other.accepts_) {}

ListeningSocket& ListeningSocket::operator=(ListeningSocket&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(local_, other.local_);
  std::swap(accepts_, other.accepts_);
  return *this;
}

ListeningSocket::~ListeningSocket() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

namespace {

// Seconds. The kernel then asks the client once more, and hands it over when it answers: the least
// that can be asked for, as both peers do.
constexpr int kDeferral = 1;

}  // namespace

Result<ListeningSocket, NetError> ListeningSocket::open(const Address& address, uint32_t backlog,
                                                        Port port, Accepts accepts) {
  const int descriptor =
      ::socket(address.raw()->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return Unexpected<NetError>(NetError{errno});
  ListeningSocket socket(descriptor, address, accepts);
  const int on = 1;
  // [::] takes IPv4 as well, whatever the machine's default is (net.ipv6.bindv6only).
  const int off = 0;
  if (address.is_v6()) ::setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (port == Port::shared) ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  ::setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (accepts == Accepts::with_data)
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_DEFER_ACCEPT, &kDeferral, sizeof kDeferral);
  if (::bind(descriptor, address.raw(), address.size()) != 0 ||
      ::listen(descriptor, static_cast<int>(backlog)) != 0) {
    return Unexpected<NetError>(NetError{errno});
  }
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&bound), &size);
  socket.local_ = Address::from(reinterpret_cast<const sockaddr*>(&bound));
  return socket;
}

void ListeningSocket::reconfigure(uint32_t backlog, Accepts accepts) {
  if (local_.is_unix()) accepts = Accepts::at_once;
  const int deferral = accepts == Accepts::with_data ? kDeferral : 0;
  if (std::exchange(accepts_, accepts) != accepts)
    ::setsockopt(descriptor_, IPPROTO_TCP, TCP_DEFER_ACCEPT, &deferral, sizeof deferral);
  ::listen(descriptor_, static_cast<int>(backlog));
}

namespace {

// Who connected, as it was when it did.
Address process_behind(int descriptor) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  ::getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size);
  return Address::of_process({credentials.uid, credentials.pid});
}

class PollListener final : public Listener {
 public:
  PollListener(EventLoop& loop, ListeningSocket socket, Events& events)
      : loop_(loop), socket_(std::move(socket)), events_(events), poll_(new Poll) {
    uv_poll_init(&loop.handles().loop, &poll_->handle, socket_.descriptor());
    poll_->handle.data = poll_;
    poll_->listener = this;
    listen();
  }

  ~PollListener() override {
    poll_->listener = nullptr;
    uv_close(reinterpret_cast<uv_handle_t*>(&poll_->handle), thunk<&Poll::on_closed>);
  }

  void reconfigure(uint32_t backlog, ListeningSocket::Accepts accepts) override {
    socket_.reconfigure(backlog, accepts);
  }

  int descriptor() const noexcept override { return socket_.descriptor(); }

 private:
  // Freed by its close callback, after the listener.
  struct Poll {
    uv_poll_t handle;
    PollListener* listener;
    void on_readable(uv_poll_t*, int, int) {
      if (listener != nullptr) listener->accept_some();
    }
    void on_closed(uv_handle_t*) { delete this; }
  };

  void listen() { uv_poll_start(&poll_->handle, UV_READABLE, thunk<&Poll::on_readable>); }

  void pause() {
    uv_poll_stop(&poll_->handle);
    loop_.arm(resume_, kPauseMs);
  }

  void accept_some() {
    for (int i = 0; i < budget_.size() && !resume_.armed(); ++i) {
      if (!events_.may_accept()) return pause();
      sockaddr_storage peer{};
      socklen_t size = sizeof peer;
      const int descriptor = ::accept4(socket_.descriptor(), reinterpret_cast<sockaddr*>(&peer),
                                       &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (descriptor < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
          if (events_.make_room(NetError{errno})) continue;
          return pause();
        }
        if (errno == EAGAIN) return budget_.found_empty();
        continue;  // ECONNABORTED, EINTR, EPROTO: that client is gone, the next may be there
      }
      take_in(descriptor, peer.ss_family == AF_UNIX
                              ? process_behind(descriptor)
                              : Address::from(reinterpret_cast<const sockaddr*>(&peer)));
    }
    budget_.spent();
  }

  void take_in(int descriptor, const Address& peer) {
    using Socket = TcpTransport::Socket;
    TransportPtr transport =
        TcpTransport::take_in(loop_, descriptor, peer.is_unix() ? Socket::local : Socket::tcp);
    // It is valid to the end of the turn, whatever the receiver does with it.
    auto& tcp = static_cast<TcpTransport&>(*transport);
    if (socket_.accepts() == ListeningSocket::Accepts::at_once) tcp.watch();
    events_.on_accept(std::move(transport), peer);
    if (socket_.accepts() == ListeningSocket::Accepts::with_data) tcp.read_first();
  }

  EventLoop& loop_;
  ListeningSocket socket_;
  Events& events_;
  Poll* poll_;
  AcceptBudget budget_;
  Deadline resume_{this, DeadlineThunk<&PollListener::listen>::call};
};

}  // namespace

std::unique_ptr<Listener> Listener::start(EventLoop& loop, ListeningSocket socket, Events& events) {
  return std::make_unique<PollListener>(loop, std::move(socket), events);
}

}  // namespace onehop::net
