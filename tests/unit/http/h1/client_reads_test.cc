// SPDX-License-Identifier: MIT
// How much is read of an endpoint at once: what comes may have to wait for a client.
#include "tests/support/catch.h"
#include "tests/support/hand_side.h"

namespace onehop::http::h1 {
namespace {

using test::HandLoop;
using test::HandPeer;
using test::HandTransport;
using Reads = net::Reads;

class Asker final : private ClientConnection::Events, private ClientStream::Events {
 public:
  Asker() {
    connection_ = connect(loop, HandTransport::make(loop, peer), limits_, counters_, *this);
    stream = &connection_->open_stream(*this);
    RequestHead head;
    head.method = Method::get;
    head.target = "/";
    head.authority = "a";
    stream->send_head(head, Ends::yes);
    loop.end_turn();
  }
  ~Asker() {
    connection_->close_stream(*stream);
    connection_->abandon();
    loop.end_turn();
  }

  HandLoop loop;
  HandPeer peer;
  ClientStream* stream = nullptr;

 private:
  void on_idle_end(ClientConnection&, Violation) override {}
  void on_capacity(ClientConnection&) override {}
  void on_head(const ResponseHead&, Ends) override {}
  void on_body(Buffer&, Ends) override {}
  void on_trailers(const Fields&) override {}
  void on_room() override {}
  void on_stall() override {}
  void on_reset(const StreamError&) override {}

  config::Limits limits_;
  telemetry::EndpointShard counters_;
  std::unique_ptr<ClientConnection> connection_;
};

TEST_CASE("little is read with a head, and of a body for a client that has just made room") {
  Asker asker;
  CHECK(asker.peer.reads == Reads::modestly);
  asker.peer.say("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nabc");
  CHECK(asker.peer.reads == Reads::freely);
  asker.stream->set_reading(false);
  CHECK(asker.peer.reads == Reads::sparingly);
  asker.loop.end_turn();
  asker.stream->set_reading(true);
  CHECK(asker.peer.reads == Reads::modestly);
  asker.peer.say("def");
  CHECK(asker.peer.reads == Reads::modestly);  // whether it is taken is not known yet
  asker.loop.end_turn();
  asker.peer.say("ghi");
  CHECK(asker.peer.reads == Reads::freely);
}

TEST_CASE("a client that takes all of it within the turn is given more as before") {
  Asker asker;
  asker.peer.say("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nabc");
  asker.stream->set_reading(false);
  asker.stream->set_reading(true);
  CHECK(asker.peer.reads == Reads::freely);
}

}  // namespace
}  // namespace onehop::http::h1
