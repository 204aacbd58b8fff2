// SPDX-License-Identifier: MIT
// The server side of a HandLoop: connections of one listener, whose requests `service` answers.
#pragma once

#include "onehop/http/h1.h"
#include "onehop/http/h2.h"
#include "tests/support/hand_loop.h"

namespace onehop::test {

// Hands the stream of its latest request to the test, and does nothing with what comes on it.
class OpenStream final : public http::Service {
 public:
  std::unique_ptr<http::Responder> open(http::ServerStream& opened, const http::Client&,
                                        const http::HeadTimes&) override {
    stream = &opened;
    return std::make_unique<Ears>();
  }
  http::ServerStream* stream = nullptr;

 private:
  class Ears final : public http::Responder {
   public:
    void on_head(const http::RequestHead&, http::Ends) override {}
    void on_body(Buffer&, http::Ends) override {}
    void on_trailers(const http::Fields&) override {}
    void on_room() override {}
    void on_stall() override {}
    void on_reset(const http::StreamError&) override {}
  };
};

struct HandSide final : http::ServerConnections::Events {
  explicit HandSide(http::Service& service, const config::Limits& allowed = {}) : answers(service) {
    settings.limits = allowed;
    use_listener({});
  }
  ~HandSide() {
    connections.close_all();
    loop.end_turn();
  }
  void on_all_closed() override {}

  // For connections that are made from now on.
  void use_listener(const config::Listener& listener) {
    client.listener = std::make_shared<const http::ListenerTerms>(
        http::ListenerTerms{{listener.address, 0}, listener, {}});
  }

  void serve_h1(HandPeer& peer) {
    http::h1::serve(loop, HandTransport::make(loop, peer), client, answers, settings, connections);
  }
  void serve_h2(HandPeer& peer) {
    http::h2::serve(loop, HandTransport::make(loop, peer), client, answers, settings, connections);
  }

  HandLoop loop;
  http::Service& answers;
  telemetry::DownstreamShard counters;
  http::ServerSettings settings{{}, {}, {}, counters};
  http::ServerConnections connections{loop, settings, *this};
  http::Client client;
};

}  // namespace onehop::test
