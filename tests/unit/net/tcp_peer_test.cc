// SPDX-License-Identifier: MIT
// What a socket can say of a request that met the end of its connection: docs/decisions/0049 has
// the whole table, which bench/experiments/unseen.py makes on a wire of its own. Here what happens
// on the loopback interface, where nothing is ever on its way.
#include <sys/socket.h>
#include <unistd.h>

#include <optional>
#include <string>

#include "onehop/net/event_loop.h"
#include "tests/support/catch.h"
#include "tests/support/peer.h"
#include "tests/support/scripted_origin.h"

namespace onehop::net {
namespace {

using Delivered = Transport::Delivered;
constexpr std::string_view kRequest = "POST / HTTP/1.1\r\n\r\n";

// A transport to a peer that the test plays, which has had a first request.
class Meeting final : private Dial::Events, private Transport::Events {
 public:
  Meeting() {
    const auto [listening, address] = test::bind_loopback(1);
    const auto port = static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
    auto dialing = loop.dial(*Address::numeric("127.0.0.1", port), *this);
    REQUIRE(dialing.has_value());
    dial_ = std::move(*dialing);
    loop.run();
    REQUIRE(transport != nullptr);
    peer.emplace(::accept(listening, nullptr, nullptr));
    ::close(listening);
    send();
    peer->read_exact(kRequest.size());
    since_ = transport->position();
  }
  ~Meeting() { transport.reset(); }

  // What the loop does at the end of a turn, and no more: nothing is read.
  void send() {
    transport->output().append(kRequest);
    transport->flush();
  }
  // Reads until the connection has ended for the transport.
  void read() {
    transport->set_reading(true);
    loop.run();
  }
  Delivered delivered() const { return transport->delivered(since_); }

  EventLoop loop;
  TransportPtr transport;
  std::optional<test::Peer> peer;
  std::optional<NetError> error;

 private:
  void on_connected(TransportPtr connected) override {
    transport = std::move(connected);
    transport->set_events(*this);
    loop.stop();
  }
  void on_dial_failed(NetError) override { loop.stop(); }
  void on_bytes(Buffer& bytes) override { bytes.clear(); }
  void on_end() override { loop.stop(); }
  void on_error(NetError failed) override {
    error = failed;
    loop.stop();
  }
  void on_flush(Flushed) override {}

  std::unique_ptr<Dial> dial_;
  uint64_t since_ = 0;
};

TEST_CASE("a peer that had closed before it was sent anything can not have seen it") {
  Meeting meeting;
  meeting.peer->close();
  meeting.send();
  SECTION("as reading finds out") {
    meeting.read();
    CHECK_FALSE(meeting.error.has_value());
    CHECK(meeting.delivered() == Delivered::refused);
  }
  SECTION("as writing finds out first") {
    meeting.send();
    meeting.read();
    CHECK(meeting.error.has_value());
    CHECK(meeting.delivered() == Delivered::refused);
  }
  SECTION("as nobody has found out yet") {
    CHECK(meeting.delivered() == Delivered::refused);
  }
}

TEST_CASE("a peer that read what it was sent may have acted on it, however it ends") {
  Meeting meeting;
  meeting.send();
  meeting.peer->read_exact(kRequest.size());
  SECTION("by closing") {
    meeting.peer->close();
    meeting.read();
    CHECK_FALSE(meeting.error.has_value());
  }
  SECTION("by a reset, which reading finds out") {
    meeting.peer->reset();
    meeting.read();
    CHECK(meeting.error.has_value());
  }
  SECTION("by a reset, which writing finds out first") {
    meeting.peer->reset();
    meeting.send();
    meeting.read();
    CHECK(meeting.error.has_value());
  }
  SECTION("by a reset that nobody has found out yet") {
    meeting.peer->reset();
  }
  CHECK(meeting.delivered() == Delivered::possible);
}

TEST_CASE("a reset by a peer that never read proves nothing, as it cannot be told apart") {
  Meeting meeting;
  meeting.send();
  meeting.peer->close();  // with bytes unread
  meeting.read();
  CHECK(meeting.error.has_value());
  CHECK(meeting.delivered() == Delivered::possible);
}

TEST_CASE("a peer that ends one direction and reads on may yet see what it was sent") {
  Meeting meeting;
  meeting.peer->half_close();
  meeting.send();
  meeting.read();
  CHECK(meeting.delivered() != Delivered::refused);
  meeting.peer->read_exact(kRequest.size());
  const test::Deadline deadline;
  while (meeting.delivered() == Delivered::unclear && !deadline.passed()) {
  }
  CHECK(meeting.delivered() == Delivered::possible);
}

}  // namespace
}  // namespace onehop::net
