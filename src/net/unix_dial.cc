// SPDX-License-Identifier: MIT
#include "unix_dial.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "tcp_transport.h"

namespace onehop::net {
namespace {

constexpr uint64_t kAgainMs = 8;

// As long as the kernel takes for a SYN that nobody answers, where the dial has no deadline.
constexpr unsigned kMostTries = 127'000 / kAgainMs;

// It connects at the end of the turn, as nothing may be told from within Dialer::dial.
class UnixDial final : public Dial, private Dirty {
 public:
  UnixDial(EventLoop& loop, int descriptor, const Address& address, Dial::Events& events)
      : loop_(loop), descriptor_(descriptor), address_(address), events_(events) {
    loop_.mark_dirty(*this);
  }
  ~UnixDial() override {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

 private:
  // The receiver may destroy this object in the calls.
  void flush() override {
    const int number = ::connect(descriptor_, address_.raw(), address_.size()) == 0 ? 0 : errno;
    if ((number == EAGAIN || number == EINTR) && ++tries_ < kMostTries)
      return loop_.arm(again_, kAgainMs);
    if (number != 0) return events_.on_dial_failed({number});
    TransportPtr transport =
        TcpTransport::take_in(loop_, std::exchange(descriptor_, -1), TcpTransport::Socket::local);
    static_cast<TcpTransport&>(*transport).watch();
    events_.on_connected(std::move(transport));
  }
  void on_again() { loop_.mark_dirty(*this); }

  EventLoop& loop_;
  int descriptor_;
  Address address_;
  Dial::Events& events_;
  unsigned tries_ = 0;
  Deadline again_{this, DeadlineThunk<&UnixDial::on_again>::call};
};

}  // namespace

Result<std::unique_ptr<Dial>, NetError> dial_unix(EventLoop& loop, const Address& address,
                                                  Dial::Events& events) {
  const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return Unexpected<NetError>(NetError{errno});
  return std::make_unique<UnixDial>(loop, descriptor, address, events);
}

}  // namespace onehop::net
