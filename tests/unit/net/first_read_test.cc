// SPDX-License-Identifier: MIT
// Clients that are accepted with their first bytes: what a listener's receiver sees of them, and
// what they see of the socket that libuv does not have yet.
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <functional>
#include <string>
#include <thread>

#include "onehop/net/event_loop.h"
#include "onehop/net/listener.h"
#include "tests/support/catch.h"
#include "tests/support/peer.h"

namespace onehop::net {
namespace {

using Accepts = ListeningSocket::Accepts;
using Port = ListeningSocket::Port;

ListeningSocket listening(Accepts accepts) {
  auto socket =
      ListeningSocket::open(*Address::numeric("127.0.0.1", 0), 16, Port::mine_alone, accepts);
  REQUIRE(socket.has_value());
  return std::move(*socket);
}

int deferral_of(const ListeningSocket& socket) {
  int seconds = 0;
  socklen_t size = sizeof seconds;
  REQUIRE(::getsockopt(socket.descriptor(), IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, &size) == 0);
  return seconds;
}

// One client: what happened to it, in order, and in which turns.
class Receiver final : public Listener::Events, public Transport::Events {
 public:
  explicit Receiver(EventLoop& loop) : loop_(loop) {}

  bool may_accept() override { return true; }
  bool make_room(NetError) override { return false; }
  void on_accept(TransportPtr accepted, const Address&) override {
    accepted_turn = loop_.turn();
    transport = std::move(accepted);
    transport->set_events(*this);
    transport->set_reading(true);
    transport->set_awaited(awaited);
  }
  void on_bytes(Buffer& bytes) override {
    if (received.empty()) first_turn = loop_.turn();
    received += bytes.to_string();
    when_received();
  }
  void on_end() override {
    ended = true;
    loop_.stop();
  }
  void on_error(NetError) override {
    failed = true;
    loop_.stop();
  }
  void on_flush(Flushed flushed) override {
    flushed == Flushed::all ? when_flushed() : when_stalled();
  }

  bool awaited = true;
  std::function<void()> when_received = [this] { loop_.stop(); };
  std::function<void()> when_flushed = [] {};
  std::function<void()> when_stalled = [] {};
  TransportPtr transport;
  std::string received;
  uint64_t accepted_turn = 0;
  uint64_t first_turn = 0;
  bool ended = false;
  bool failed = false;

 private:
  EventLoop& loop_;
};

// A loop, a listener and a client that has already sent `bytes`.
struct Stage {
  explicit Stage(std::string_view bytes, Accepts accepts = Accepts::with_data)
      : receiver(loop), socket(listening(accepts)), client(connect(socket)) {
    client.send(bytes);
  }
  ~Stage() { receiver.transport.reset(); }

  static test::Peer connect(const ListeningSocket& socket) {
    return test::Peer::connect("127.0.0.1:" + std::to_string(socket.local().port()));
  }
  void listen() { listener = Listener::start(loop, std::move(socket), receiver); }
  void run() {
    if (listener == nullptr) listen();
    loop.run();
  }

  EventLoop loop;
  Receiver receiver;
  ListeningSocket socket;
  test::Peer client;
  std::unique_ptr<Listener> listener;
};

TEST_CASE("a socket that accepts with data asks the kernel for it, and any other does not") {
  CHECK(deferral_of(listening(Accepts::with_data)) > 0);
  CHECK(deferral_of(listening(Accepts::at_once)) == 0);
}

TEST_CASE("a client's first bytes are read in the turn in which it is accepted with them") {
  Stage stage("hello");
  stage.run();
  CHECK(stage.receiver.received == "hello");
  CHECK(stage.receiver.first_turn == stage.receiver.accepted_turn);
}

TEST_CASE("a client that is accepted at once is read from when the loop says so") {
  Stage stage("hello", Accepts::at_once);
  stage.run();
  CHECK(stage.receiver.received == "hello");
  CHECK(stage.receiver.first_turn > stage.receiver.accepted_turn);
}

TEST_CASE("what follows the first bytes is read, whether it was awaited or not") {
  const bool awaited = GENERATE(true, false);
  CAPTURE(awaited);
  Stage stage("one");
  stage.receiver.awaited = awaited;
  stage.receiver.when_received = [&] {
    if (stage.receiver.received == "one") stage.client.send("two");
    if (stage.receiver.received == "onetwo") stage.client.half_close();
  };
  stage.run();
  CHECK(stage.receiver.received == "onetwo");
  CHECK(stage.receiver.ended);
}

TEST_CASE("a client of whom nothing was awaited is heard as soon as something is") {
  Stage stage("one");
  stage.receiver.awaited = false;
  uint64_t answered_turn = 0;
  stage.receiver.when_received = [&] {
    if (stage.receiver.received == "onetwo") return stage.loop.stop();
    stage.receiver.transport->output().append("answer");
    stage.receiver.transport->send();
  };
  stage.receiver.when_flushed = [&] {
    answered_turn = stage.loop.turn();
    stage.client.send("two");
    stage.receiver.transport->set_awaited(true);
  };
  stage.run();
  CHECK(stage.client.read_exact(6) == "answer");
  CHECK(stage.receiver.received == "onetwo");
  CHECK(answered_turn == stage.receiver.accepted_turn);
}

TEST_CASE("the reset of a client of whom nothing was awaited is seen") {
  Stage stage("one");
  stage.receiver.awaited = false;
  stage.receiver.when_received = [&] { stage.client.reset(); };
  stage.run();
  CHECK(stage.receiver.failed);
}

TEST_CASE("a client that ends without a word is told of as ended") {
  Stage stage("");
  stage.client.half_close();
  stage.run();
  CHECK(stage.receiver.ended);
  CHECK(stage.receiver.received.empty());
}

TEST_CASE("a client that is closed in the turn of its first bytes sees the end, or the reset") {
  const bool reset = GENERATE(false, true);
  CAPTURE(reset);
  Stage stage("one");
  stage.receiver.awaited = false;
  stage.receiver.when_received = [&] {
    if (reset) stage.receiver.transport->close_with_reset();
    stage.receiver.transport.reset();
    stage.loop.stop();
  };
  stage.run();
  CHECK(stage.client.wait_end() == (reset ? test::End::reset : test::End::closed));
}

TEST_CASE("a response that the client does not take at once leaves whole, awaited or not") {
  const std::string body(8 << 20, 'x');
  Stage stage("one");
  stage.receiver.awaited = GENERATE(true, false);
  stage.receiver.when_received = [&] {
    stage.receiver.transport->output().append(body);
    stage.receiver.transport->finish_writing();
  };
  // The client begins to read when it has been waited for.
  std::string taken;
  std::thread reading;
  stage.receiver.when_stalled = [&] {
    if (!reading.joinable()) reading = std::thread([&] { taken = stage.client.read_rest().bytes; });
  };
  stage.receiver.when_flushed = [&] { stage.loop.stop(); };
  stage.run();
  stage.receiver.transport.reset();
  REQUIRE(reading.joinable());
  reading.join();
  CHECK(taken == body);
}

}  // namespace
}  // namespace onehop::net
