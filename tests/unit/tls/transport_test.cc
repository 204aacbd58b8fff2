// SPDX-License-Identifier: MIT
// A TLS transport after its handshake: its ends, its errors, and how much it keeps.
#include <algorithm>
#include <cerrno>

#include "parties.h"
#include "tests/support/catch.h"

namespace onehop::tls {
namespace {

// Both sides of a connection that is open.
struct Connection {
  explicit Connection(const PipeRules& rules = {}, int version = TLS1_3_VERSION) {
    auto below = stage.serve(server, stage.context(stage.listener()), rules);
    client_below = static_cast<PipeEnd*>(below.get());
    HandClient wish;
    wish.most_version = version;
    stage.connect(client, std::move(below), wish);
    stage.loop.settle();
    REQUIRE(server.secured);
    REQUIRE(client.secured);
  }
  Stage stage;
  Party server;
  Party client;
  PipeEnd* client_below = nullptr;
};

std::string random_text(HandLoop& loop, size_t size) {
  std::string text(size, '\0');
  std::ranges::generate(text, [&loop] { return static_cast<char>(loop.random()); });
  return text;
}

}  // namespace

TEST_CASE("large bodies pass both ways at once through small windows, unchanged") {
  const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  INFO("seed " << test::test_seed());
  Connection both({.window_bytes = 3000, .most_read = 1000}, version);
  const std::string up = random_text(both.stage.loop, 700'000);
  const std::string down = random_text(both.stage.loop, 400'000);
  both.client.send(up);
  // In slices of many sizes, which become full records.
  for (size_t at = 0, size = 0; at < down.size(); at += size) {
    size = std::min<size_t>(1 + both.stage.loop.random() % 20'000, down.size() - at);
    Buffer slice;
    slice.append(std::string_view(down).substr(at, size));
    both.server.transport->output().splice(std::move(slice));
  }
  both.server.transport->send();
  both.stage.loop.settle();
  CHECK(both.server.received == up);
  CHECK(both.client.received == down);
  CHECK(both.client.flushed_some > 0);
  CHECK(both.client.flushed_all == 1);
  CHECK(both.client.transport->unsent() == 0);
  CHECK(both.client.transport->written() == up.size());
}

TEST_CASE("no more than a little is encrypted ahead of a peer that does not read") {
  Connection both({.window_bytes = 10'000, .most_read = 10'000});
  both.server.most_received = 1;
  both.client.send("x");
  both.stage.loop.settle();
  both.client.send(std::string(2'000'000, 'b'));
  both.stage.loop.settle();
  CHECK(both.client.transport->write_pending());
  CHECK(both.client.transport->taken_bytes() < 2'000'000);
  CHECK(both.client_below->most_unsent < 160 * 1024);
  CHECK(both.client.transport->unsent() > 1'800'000);
  const uint64_t written = both.client.transport->written();
  both.client.send("more");
  both.stage.loop.settle();
  CHECK(both.client.transport->written() == written);
  both.server.most_received = SIZE_MAX;
  both.server.transport->set_reading(true);
  both.stage.loop.settle();
  CHECK(both.server.received.size() == 2'000'005);
}

TEST_CASE("records of a byte are decrypted in shares of a turn, and none is lost") {
  constexpr int kRecords = 5000;
  const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  Connection both({.window_bytes = 1 << 20, .most_read = 1 << 20}, version);
  std::string sent;
  for (int i = 0; i < kRecords; ++i) {
    sent += static_cast<char>('a' + i % 26);
    REQUIRE(SSL_write(both.stage.last_ssl, &sent.back(), 1) == 1);
  }
  both.client_below->send();
  both.stage.loop.settle();
  CHECK(both.server.received == sent);
  CHECK(both.server.deliveries >= kRecords / 512);
  both.client.transport->finish_writing();
  both.stage.loop.settle();
  CHECK(both.server.ended);
}

TEST_CASE("a reader who stops between two shares of small records loses none of them") {
  Connection both({.window_bytes = 1 << 20, .most_read = 1 << 20});
  both.server.most_received = 700;
  for (int i = 0; i < 3000; ++i) REQUIRE(SSL_write(both.stage.last_ssl, "x", 1) == 1);
  both.client_below->send();
  both.client.transport->finish_writing();
  both.stage.loop.settle();
  CHECK(both.server.received.size() < 3000);
  CHECK_FALSE(both.server.ended);
  both.server.most_received = SIZE_MAX;
  both.server.transport->set_reading(true);
  both.stage.loop.settle();
  CHECK(both.server.received.size() == 3000);
  CHECK(both.server.ended);
}

void change_keys(SSL* ssl, int type) {
  REQUIRE(SSL_key_update(ssl, type) == 1);
  REQUIRE(SSL_do_handshake(ssl) == 1);
}

TEST_CASE("a peer that changes its keys on and on is cut off after a few of them") {
  const int type = GENERATE(SSL_KEY_UPDATE_NOT_REQUESTED, SSL_KEY_UPDATE_REQUESTED);
  Connection both({.window_bytes = 1 << 20, .most_read = 1 << 20});
  for (int i = 0; i < 1000; ++i) change_keys(both.stage.last_ssl, type);
  REQUIRE(SSL_write(both.stage.last_ssl, "behind them", 11) == 11);
  both.client_below->send();
  both.stage.loop.settle();
  CHECK(both.server.received.empty());
  CHECK(both.server.error == net::kTlsFailed);
}

TEST_CASE("a peer may change its keys now and then, and with use as often as it likes") {
  constexpr size_t kPiece = 128 * 1024;
  Connection both;
  const int changes = GENERATE(20, 100);
  for (int i = 0; i < changes; ++i) {
    change_keys(both.stage.last_ssl, SSL_KEY_UPDATE_REQUESTED);
    both.client.send(std::string(changes > 20 ? kPiece : 1, 'x'));
    both.stage.loop.settle();
  }
  CHECK_FALSE(both.server.error.has_value());
  CHECK(both.server.received.size() == static_cast<size_t>(changes) * (changes > 20 ? kPiece : 1));
}

TEST_CASE("what was not encrypted yet can be taken back") {
  Connection both;
  const uint64_t before = both.client.transport->written();
  both.client.send("a request");
  CHECK(both.client.transport->written() == before);
  both.client.transport->output().clear();
  both.client.send("another");
  both.stage.loop.settle();
  CHECK(both.server.received == "another");
}

TEST_CASE("the end with a close_notify is an end, and writing still works behind it") {
  Connection both;
  both.client.send("last words");
  both.client.transport->finish_writing();
  both.client.transport->finish_writing();
  both.stage.loop.settle();
  CHECK(both.server.received == "last words");
  CHECK(both.server.ended);
  CHECK_FALSE(both.server.error.has_value());
  both.server.send("the answer");
  both.server.transport->finish_writing();
  both.stage.loop.settle();
  CHECK(both.client.received == "the answer");
  CHECK(both.client.ended);
  CHECK_FALSE(both.client.error.has_value());
}

TEST_CASE("a transport that is closed says close_notify") {
  Connection both;
  both.client.send("words");
  both.client.transport->flush();
  both.client.transport.reset();
  both.stage.loop.settle();
  CHECK(both.server.received == "words");
  CHECK(both.server.ended);
  CHECK_FALSE(both.server.error.has_value());
}

TEST_CASE("an end of the connection without a close_notify is a truncation") {
  Connection both;
  both.client.send("cut");
  both.stage.loop.settle();
  both.client_below->finish_writing();
  both.stage.loop.settle();
  CHECK(both.server.received == "cut");
  CHECK_FALSE(both.server.ended);
  CHECK(both.server.error == net::kTlsFailed);
}

TEST_CASE("a transport that is closed with bytes in hand leaves a truncation, not an end") {
  Connection both({.window_bytes = 1000, .most_read = 1000});
  both.client.send(std::string(500'000, 'x'));
  both.client.transport->flush();
  both.client.transport.reset();
  both.stage.loop.settle();
  CHECK(both.server.received.size() < 500'000);
  CHECK_FALSE(both.server.ended);
  CHECK(both.server.error.has_value());
}

TEST_CASE("bytes that were dropped by a close are not followed by a proper end") {
  Connection both;
  both.client.send("dropped");
  both.client.transport.reset();
  both.stage.loop.settle();
  CHECK(both.server.received.empty());
  CHECK_FALSE(both.server.ended);
  CHECK(both.server.error == net::kTlsFailed);
}

TEST_CASE("a reset below is a reset above") {
  Connection both;
  both.client.transport->close_with_reset();
  both.client.transport.reset();
  both.stage.loop.settle();
  CHECK_FALSE(both.server.ended);
  CHECK(both.server.error == ECONNRESET);
}

TEST_CASE("a byte changed on its way breaks the connection, and the peer is told") {
  Connection both;
  both.client.send("good");
  both.stage.loop.settle();
  both.client_below->output().append(std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'x'));
  both.client_below->send();
  both.stage.loop.settle();
  CHECK(both.server.received == "good");
  CHECK(both.server.error == net::kTlsFailed);
  both.server.transport.reset();
  both.stage.loop.settle();
  CHECK(both.client.error == net::kTlsFailed);
}

TEST_CASE("nothing is delivered while nobody wants to read, and nothing is lost") {
  Connection both;
  both.server.transport->set_reading(false);
  both.client.send("a");
  both.client.transport->finish_writing();
  both.stage.loop.settle();
  CHECK(both.server.received.empty());
  CHECK_FALSE(both.server.ended);
  both.server.transport->set_reading(true);
  both.stage.loop.settle();
  CHECK(both.server.received == "a");
  CHECK(both.server.ended);
}

TEST_CASE("an end behind bytes that made their reader stop waits until it reads again") {
  Connection both;
  both.server.most_received = 1;
  both.client.send("a");
  both.client.transport->finish_writing();
  both.stage.loop.settle();
  CHECK(both.server.received == "a");
  CHECK_FALSE(both.server.ended);
  both.server.transport->set_reading(true);
  both.stage.loop.settle();
  CHECK(both.server.ended);
}

TEST_CASE("a transport may be destroyed by whoever it gives bytes to") {
  class Quitter final : public net::Transport::Events {
   public:
    explicit Quitter(net::TransportPtr given) : transport(std::move(given)) {
      transport->set_events(*this);
    }
    void on_bytes(Buffer&) override { transport.reset(); }
    void on_end() override { called_later = true; }
    void on_error(net::NetError) override { called_later = true; }
    void on_flush(net::Flushed) override { called_later = true; }
    net::TransportPtr transport;
    bool called_later = false;
  };
  Connection both;
  Quitter quitter(std::move(both.server.transport));
  both.client.send("bye");
  both.client.transport->finish_writing();
  both.stage.loop.settle();
  CHECK(quitter.transport == nullptr);
  CHECK_FALSE(quitter.called_later);
}

TEST_CASE("new keys are no event") {
  Connection both;
  REQUIRE(SSL_key_update(both.stage.last_ssl, SSL_KEY_UPDATE_REQUESTED) == 1);
  both.client.send("with new keys");
  both.stage.loop.settle();
  CHECK(both.server.received == "with new keys");
  CHECK(both.server.deliveries == 1);
  both.server.send("mine, too");
  both.stage.loop.settle();
  CHECK(both.client.received == "mine, too");
}

TEST_CASE("a renegotiation is refused") {
  Connection both({}, TLS1_2_VERSION);
  REQUIRE(SSL_renegotiate(both.stage.last_ssl) == 1);
  SSL_do_handshake(both.stage.last_ssl);
  both.client_below->send();
  both.stage.loop.settle();
  // The server says no_renegotiation, which OpenSSL's client takes for an error.
  CHECK(both.client.error == net::kTlsFailed);
  CHECK(both.server.handshake == nullptr);
  CHECK(both.server.deliveries == 0);
}

TEST_CASE("a peer that takes none of what the protocol has to answer is given up") {
  Stage stage;
  Party server;
  Party client;
  auto ends = PipeEnd::pair(stage.loop);
  auto& server_below = static_cast<PipeEnd&>(*ends.second);
  server.handshake =
      accept(stage.loop, std::move(ends.second), stage.context(stage.listener()), server);
  stage.connect(client, std::move(ends.first));
  stage.loop.settle();
  client.transport->set_reading(false);
  // As if it had been asked for it, alert by alert.
  server_below.output().append(std::string(300 * 1024, 'a'));
  server_below.send();
  client.send("and on");
  stage.loop.settle();
  CHECK(server.error == net::kTlsFailed);
}

TEST_CASE("plain bytes are what is counted") {
  Connection both;
  telemetry::Counter received;
  telemetry::Counter sent;
  both.server.transport->count_bytes(received, sent);
  both.client.send("12345");
  both.server.send("1234567");
  both.stage.loop.settle();
  CHECK(received.value() == 5);
  CHECK(sent.value() == 7);
}

}  // namespace onehop::tls
