// SPDX-License-Identifier: MIT
// A stream that is given up while nghttp2 has a frame of it in its hands, which the transport has
// no room for.
#include "onehop/http/h2.h"
#include "tests/support/catch.h"
#include "tests/support/h2_client.h"
#include "tests/support/hand_loop.h"

namespace onehop::http::h2 {
namespace {

using test::HandLoop;
using test::HandPeer;
using test::HandTransport;

constexpr size_t kBody = size_t{1} << 20;

// Sends a body to an endpoint whose windows are wide open and whose kernel takes nothing.
class Uploader final : private ClientConnection::Events, private ClientStream::Events {
 public:
  explicit Uploader(HandPeer& peer) : peer_(peer) {
    connection_ = connect(loop_, HandTransport::make(loop_, peer), limits_, counters_, *this, {});
    peer.say(test::h2_settings({{test::kInitialWindowSize, 0x7fffffff}}).wire() +
             test::h2_window_update(0, 0x7fffffff - test::kFirstWindow).wire());
    loop_.end_turn();
    peer.takes = 0;
    stream_ = &connection_->open_stream(*this);
    RequestHead head;
    head.method = Method::post;
    head.target = "/";
    head.authority = "a";
    stream_->send_head(head, Ends::no);
    Buffer body;
    body.append(std::string(kBody, 'x'));
    stream_->send_body(std::move(body), Ends::no);
    loop_.end_turn();
  }
  ~Uploader() {
    if (connection_ != nullptr) connection_->abandon();
    loop_.end_turn();
  }

  void give_up() {
    connection_->close_stream(*stream_);
    loop_.end_turn();
  }
  void abandon() {
    connection_->abandon();
    loop_.end_turn();  // its streams go before it
    connection_.reset();
  }
  void take_all() {
    peer_.takes = SIZE_MAX;
    if (peer_.near != nullptr) peer_.near->flush();
    for (int i = 0; i < 3; ++i) loop_.end_turn();
  }

 private:
  void on_idle_end(ClientConnection&, Violation) override {}
  void on_capacity(ClientConnection&) override {}
  void on_head(const ResponseHead&, Ends) override {}
  void on_body(Buffer&, Ends) override {}
  void on_trailers(const Fields&) override {}
  void on_room() override {}
  void on_stall() override {}
  void on_reset(const StreamError&) override {}

  HandPeer& peer_;
  HandLoop loop_;
  config::Limits limits_;
  telemetry::EndpointShard counters_;
  std::unique_ptr<ClientConnection> connection_;
  ClientStream* stream_ = nullptr;
};

// Every frame is whole, and the last one of the stream is its reset.
void check_frames(std::string_view taken) {
  taken.remove_prefix(kPreface.size());
  uint8_t last = 0;
  while (!taken.empty()) {
    REQUIRE(taken.size() >= 9);
    const auto byte = [&](size_t at) { return size_t{static_cast<uint8_t>(taken[at])}; };
    const size_t size = 9 + (byte(0) << 16 | byte(1) << 8 | byte(2));
    REQUIRE(taken.size() >= size);
    if (byte(8) == 1) last = static_cast<uint8_t>(byte(3));
    taken.remove_prefix(size);
  }
  CHECK(last == static_cast<uint8_t>(test::H2Type::rst_stream));
}

TEST_CASE("a stream that is given up while a frame of it waits for room ends behind that frame") {
  HandPeer peer;
  {
    Uploader uploader(peer);
    uploader.give_up();
    uploader.take_all();
    check_frames(peer.taken);
  }
  CHECK(peer.taken.size() < kBody);
}

TEST_CASE("a connection is abandoned while a frame of a stream that was given up waits for room") {
  HandPeer peer;
  Uploader uploader(peer);
  uploader.give_up();
  uploader.abandon();
  CHECK(peer.closed);
}

}  // namespace
}  // namespace onehop::http::h2
