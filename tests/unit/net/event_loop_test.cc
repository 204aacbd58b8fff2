// SPDX-License-Identifier: MIT
// The event loop on real sockets: what the kernel does for a transport, seen from its peer.
#include "onehop/net/event_loop.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>

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

// Sends a second message, and its end, when it hears that the first one is out.
class LastWord final : public Dial::Events, public Transport::Events {
 public:
  explicit LastWord(EventLoop& loop) : loop_(loop) {}

  void on_connected(TransportPtr transport) override {
    transport_ = std::move(transport);
    transport_->set_events(*this);
    say("first ");
  }
  void on_dial_failed(NetError) override { loop_.stop(); }
  void on_bytes(Buffer&) override {}
  void on_flush(Flushed) override {
    if (flushes_++ > 0) return loop_.stop();
    say("last");
    transport_->finish_writing();
  }
  void on_end() override {}
  void on_error(NetError) override {}

 private:
  void say(std::string_view text) {
    transport_->output().append(text);
    transport_->send();
  }

  EventLoop& loop_;
  int flushes_ = 0;
  TransportPtr transport_;
};

TEST_CASE("what is sent while a write is reported leaves before the end that is said behind it") {
  const auto address = Address::numeric("127.0.0.1", 0);
  auto listening = ListeningSocket::open(*address, 16, ListeningSocket::Port::mine_alone);
  REQUIRE(listening.has_value());
  std::string heard;
  {
    EventLoop loop;
    LastWord speaker(loop);
    const auto dial = loop.dial(listening->local(), speaker);
    REQUIRE(dial.has_value());
    loop.run();
    const int peer = ::accept(listening->descriptor(), nullptr, nullptr);
    char bytes[64];
    for (ssize_t size = 0; (size = ::recv(peer, bytes, sizeof bytes, 0)) > 0;)
      heard.append(bytes, static_cast<size_t>(size));
    ::close(peer);
  }
  CHECK(heard == "first last");
}

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

// Notes how much each read brings of what its peer has sent ahead.
class Reader final : public Dial::Events, public Transport::Events {
 public:
  Reader(EventLoop& loop, int listening, Reads wanted = Reads::freely)
      : loop_(loop), listening_(listening), wanted_(wanted) {}

  void on_connected(TransportPtr transport) override {
    const int peer = ::accept(listening_, nullptr, nullptr);
    const std::string much(kMuch, 'x');
    REQUIRE(::send(peer, much.data(), much.size(), 0) == static_cast<ssize_t>(much.size()));
    ::close(peer);
    transport_ = std::move(transport);
    transport_->set_events(*this);
    transport_->set_reads(wanted_);
    transport_->set_reading(true);
  }
  void on_dial_failed(NetError) override { loop_.stop(); }
  void on_bytes(Buffer& bytes) override {
    largest = std::max(largest, bytes.size());
    all += bytes.size();
    if (std::exchange(turn_, loop_.turn()) != loop_.turn()) in_turn_ = 0;
    most_in_a_turn = std::max(most_in_a_turn, ++in_turn_);
    bytes.clear();
  }
  void on_flush(Flushed) override {}
  void on_end() override { loop_.stop(); }
  void on_error(NetError) override { loop_.stop(); }

  static constexpr size_t kMuch = 100'000;
  size_t largest = 0;
  size_t all = 0;
  int most_in_a_turn = 0;

 private:
  EventLoop& loop_;
  int listening_;
  Reads wanted_;
  uint64_t turn_ = 0;
  int in_turn_ = 0;
  TransportPtr transport_;
};

TEST_CASE("while buffers hold more than they should, a turn reads 16 KiB of a peer at most") {
  const bool is_short = GENERATE(true, false);
  CAPTURE(is_short);
  const auto address = Address::numeric("127.0.0.1", 0);
  auto listening = ListeningSocket::open(*address, 16, ListeningSocket::Port::mine_alone);
  REQUIRE(listening.has_value());
  Buffer held;
  held.reserve(2 * kLargeChunkBytes);
  EventLoop loop;
  loop.read_little_beyond(is_short ? 1 : 0);
  Reader reader(loop, listening->descriptor());
  const auto dial = loop.dial(listening->local(), reader);
  REQUIRE(dial.has_value());
  loop.run();
  CHECK(reader.all == Reader::kMuch);
  CHECK((reader.largest <= kMediumChunkBytes) == is_short);
  CHECK(reader.most_in_a_turn == 1);
}

TEST_CASE("who wants little is brought that much in a turn and no more, however much has come") {
  const auto wanted = GENERATE(Reads::modestly, Reads::sparingly);
  const auto address = Address::numeric("127.0.0.1", 0);
  auto listening = ListeningSocket::open(*address, 16, ListeningSocket::Port::mine_alone);
  REQUIRE(listening.has_value());
  EventLoop loop;
  Reader reader(loop, listening->descriptor(), wanted);
  const auto dial = loop.dial(listening->local(), reader);
  REQUIRE(dial.has_value());
  loop.run();
  CHECK(reader.all == Reader::kMuch);
  CHECK(reader.most_in_a_turn == 1);
}

}  // namespace
}  // namespace onehop::net
