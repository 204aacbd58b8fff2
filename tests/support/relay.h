// SPDX-License-Identifier: MIT
// A client's connection and one to an endpoint, with nothing between them but what passes messages
// on, both in the hands of a test: what the proxy's two sides do to each other, without the proxy.
#pragma once

#include <memory>
#include <string>

#include "onehop/http/h1.h"
#include "onehop/http/h2.h"
#include "tests/support/hand_loop.h"

namespace onehop::test {

// One exchange, whose request goes to `endpoint` in HTTP/1.1.
class Relay final : private http::Service,
                    private http::ServerConnections::Events,
                    private http::ClientConnection::Events {
 public:
  enum class Speaks : uint8_t { http1, http2 };

  Relay(HandLoop& loop, HandPeer& client, HandPeer& endpoint, Speaks speaks)
      : loop_(loop),
        connections_(loop, settings_, *this),
        upstream_(http::h1::connect(loop, HandTransport::make(loop, endpoint), limits_, counters_,
                                    *this)) {
    from_.listener = std::make_shared<const http::ListenerTerms>();
    (speaks == Speaks::http2 ? http::h2::serve : http::h1::serve)(
        loop, HandTransport::make(loop, client), from_, *this, settings_, connections_);
  }
  ~Relay() {
    connections_.close_all();
    loop_.end_turn();
    upstream_->abandon();
    loop_.retire(std::move(upstream_));
    loop_.end_turn();
  }

  // Bytes of bodies that were passed on, and in how many pieces.
  size_t passed_on = 0;
  size_t pieces = 0;

 private:
  template <class To>
  void pass_on(To& to, Buffer& bytes, http::Ends ends) {
    passed_on += bytes.size();
    pieces += bytes.empty() ? 0 : 1;
    to.send_body(std::move(bytes), ends);
  }

  // The response, on its way to the client.
  class Answer final : public http::ClientStream::Events {
   public:
    Answer(Relay& relay, http::ServerStream& client) : relay_(relay), client_(client) {}
    void on_head(const http::ResponseHead& head, http::Ends ends) override {
      client_.send_head(head, ends);
    }
    void on_body(Buffer& bytes, http::Ends ends) override { relay_.pass_on(client_, bytes, ends); }
    void on_trailers(const http::Fields& trailers) override { client_.send_trailers(trailers); }
    void on_room() override {}
    void on_stall() override {}
    void on_reset(const http::StreamError&) override {}

   private:
    Relay& relay_;
    http::ServerStream& client_;
  };

  // The request, on its way to the endpoint.
  class Question final : public http::Responder {
   public:
    Question(Relay& relay, http::ServerStream& client)
        : relay_(relay),
          client_(client),
          answer_(relay, client),
          endpoint_(relay.upstream_->open_stream(answer_)) {}
    ~Question() override { relay_.upstream_->close_stream(endpoint_); }
    void on_head(const http::RequestHead& head, http::Ends ends) override {
      endpoint_.send_head(head, ends);
      client_.set_reading(ends == http::Ends::no);
    }
    void on_body(Buffer& bytes, http::Ends ends) override {
      relay_.pass_on(endpoint_, bytes, ends);
    }
    void on_trailers(const http::Fields& trailers) override { endpoint_.send_trailers(trailers); }
    void on_room() override {}
    void on_stall() override {}
    void on_reset(const http::StreamError&) override {}

   private:
    Relay& relay_;
    http::ServerStream& client_;
    Answer answer_;
    http::ClientStream& endpoint_;
  };

  std::unique_ptr<http::Responder> open(http::ServerStream& stream, const http::Client&,
                                        const http::HeadTimes&) override {
    return std::make_unique<Question>(*this, stream);
  }
  void on_all_closed() override {}
  void on_idle_end(http::ClientConnection&, http::Violation) override {}
  void on_capacity(http::ClientConnection&) override {}

  HandLoop& loop_;
  config::Limits limits_;
  telemetry::DownstreamShard downstream_;
  telemetry::EndpointShard counters_;
  http::ServerSettings settings_{{}, {}, {}, downstream_};
  http::ServerConnections connections_;
  http::Client from_;
  std::unique_ptr<http::ClientConnection> upstream_;
};

}  // namespace onehop::test
