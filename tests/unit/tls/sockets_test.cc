// SPDX-License-Identifier: MIT
// TLS over real sockets and the real event loop: both sides of the room against each other.
#include "onehop/net/event_loop.h"
#include "onehop/net/listener.h"
#include "parties.h"
#include "tests/support/catch.h"
#include "tests/support/deadline.h"

namespace onehop::tls {
namespace {

constexpr size_t kBodyBytes = 3'000'000;

// One side of an exchange of two bodies: sends its own, takes the other's, ends.
class Trader final : public net::Transport::Events {
 public:
  Trader(net::EventLoop& loop, int& open, char letter)
      : loop_(loop), open_(open), letter_(letter) {}

  void start(net::TransportPtr transport) {
    transport_ = std::move(transport);
    transport_->set_events(*this);
    transport_->set_reading(true);
    send_more();
  }

  size_t received = 0;
  bool pure = true;
  bool ended = false;
  int error = 0;

 private:
  void send_more() {
    while (sent_ < kBodyBytes && transport_->unsent() < 256 * 1024) {
      const size_t size = std::min<size_t>(10'000, kBodyBytes - sent_);
      transport_->output().append(std::string(size, letter_));
      sent_ += size;
    }
    transport_->send();
    if (sent_ == kBodyBytes) transport_->finish_writing();
  }
  void on_bytes(Buffer& bytes) override {
    const std::string text = bytes.to_string();
    received += text.size();
    pure = pure && text.find(letter_) == text.npos;
  }
  void on_end() override {
    ended = true;
    if (--open_ == 0) loop_.stop();
  }
  void on_error(net::NetError given) override {
    error = given.number;
    loop_.stop();
  }
  void on_flush(net::Flushed) override {
    if (sent_ < kBodyBytes) send_more();
  }

  net::EventLoop& loop_;
  int& open_;
  char letter_;
  size_t sent_ = 0;
  net::TransportPtr transport_;
};

class Meeting final : public net::Listener::Events,
                      public Handshake::Events,
                      public net::Dial::Events {
 public:
  Meeting(net::EventLoop& loop, std::shared_ptr<const ServerContext> context)
      : loop_(loop), context_(std::move(context)) {}

  bool may_accept() override { return true; }
  void on_accept(net::TransportPtr transport, const Address&) override {
    handshake_ = accept(loop_, std::move(transport), context_, *this);
  }
  bool make_room(net::NetError) override { return false; }
  void on_handshake_done(Handshake&, net::TransportPtr transport, const Session&) override {
    server.start(std::move(transport));
    handshake_.reset();
  }
  void on_handshake_failed(Handshake&, Failure, std::string_view) override { loop_.stop(); }
  void on_connected(net::TransportPtr transport) override { client.start(std::move(transport)); }
  void on_dial_failed(net::NetError) override { loop_.stop(); }
  void on_deadline() { loop_.stop(); }

 private:
  net::EventLoop& loop_;
  std::shared_ptr<const ServerContext> context_;
  std::unique_ptr<Handshake> handshake_;
  int open_ = 2;

 public:
  Trader server{loop_, open_, 's'};
  Trader client{loop_, open_, 'c'};
  net::Deadline deadline{this, net::DeadlineThunk<&Meeting::on_deadline>::call};
};

}  // namespace

TEST_CASE("over sockets two bodies cross, whole, and each side sees the other's end") {
  Stage stage;
  const auto context = stage.context(stage.listener());
  auto listening = net::ListeningSocket::open(*Address::numeric("127.0.0.1", 0), 16,
                                              net::ListeningSocket::Port::mine_alone);
  REQUIRE(listening.has_value());
  const Address address = listening->local();
  net::EventLoop loop;
  Meeting meeting(loop, context);
  const auto listener = net::Listener::start(loop, std::move(*listening), meeting);
  auto client_context = ClientContext::make(stage.upstream(), nullptr, stage.warnings);
  REQUIRE(client_context.has_value());
  Dialer dialer(loop, loop, *client_context, "127.0.0.1", nullptr);
  loop.arm(meeting.deadline,
           static_cast<uint64_t>(test::patience(std::chrono::seconds(20)).count()));
  const auto dial = dialer.dial(address, meeting);
  REQUIRE(dial.has_value());
  loop.run();
  for (const Trader* side : {&meeting.server, &meeting.client}) {
    CHECK(side->received == kBodyBytes);
    CHECK(side->pure);
    CHECK(side->ended);
    CHECK(side->error == 0);
  }
}

}  // namespace onehop::tls
