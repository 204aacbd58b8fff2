// SPDX-License-Identifier: MIT
// The event loop on real sockets: what the kernel does for a transport, seen from its peer.
#include "onehop/net/event_loop.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "onehop/net/listener.h"
#include "tests/support/catch.h"

namespace onehop::net {
namespace {

// The far end of a dialed connection: writes a byte, and again whenever the transport answered.
class PingPong final : public Dial::Events, public Transport::Events {
 public:
  static constexpr int kRounds = 50;

  PingPong(EventLoop& loop, int listening) : loop_(loop), listening_(listening) {}
  ~PingPong() { ::close(peer_); }

  void on_connected(TransportPtr transport) override {
    transport_ = std::move(transport);
    transport_->set_events(*this);
    transport_->set_reading(true);
    peer_ = ::accept(listening_, nullptr, nullptr);
    ping();
  }
  void on_dial_failed(NetError) override { loop_.stop(); }
  void on_bytes(Buffer&) override {
    const int before = unacknowledged();
    transport_->acknowledge();
    if (before > 0) {
      ++delayed;
      if (unacknowledged() > 0) ++still_delayed;
    }
    transport_->output().append("x");
    transport_->send();
  }
  void on_flush(Flushed) override {
    char byte = 0;
    if (++rounds_ == kRounds || ::recv(peer_, &byte, 1, 0) != 1) return loop_.stop();
    ping();
  }
  void on_end() override {}
  void on_error(NetError) override {}

  int delayed = 0;        // rounds in which the kernel kept the acknowledgement back
  int still_delayed = 0;  // of those, in which asking for it did not help

 private:
  void ping() { REQUIRE(::send(peer_, "x", 1, 0) == 1); }
  int unacknowledged() const {
    int bytes = 0;
    REQUIRE(::ioctl(peer_, SIOCOUTQ, &bytes) == 0);
    return bytes;
  }

  EventLoop& loop_;
  int listening_;
  int peer_ = -1;
  int rounds_ = 0;
  TransportPtr transport_;
};

TEST_CASE("a transport that is told to acknowledges at once what the kernel would keep back") {
  const auto address = Address::numeric("127.0.0.1", 0);
  auto listening = ListeningSocket::open(*address, 16, ListeningSocket::Port::mine_alone);
  REQUIRE(listening.has_value());
  EventLoop loop;
  PingPong peer(loop, listening->descriptor());
  const auto dial = loop.dial(listening->local(), peer);
  REQUIRE(dial.has_value());
  loop.run();
  CHECK(peer.delayed > 0);
  CHECK(peer.still_delayed == 0);
}

}  // namespace
}  // namespace onehop::net
