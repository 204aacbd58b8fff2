// SPDX-License-Identifier: MIT
// Exchange: one request of a client, joined to an attempt at an endpoint and its response. It sees
// two streams and no protocol.
//
//   routing -> waiting -> forwarding -> done          waiting: for a connection
//      |          ^  |         |
//      |          +--+--retry--+                      only while no response head was sent and
//      all of the body can be sent again
//      +------> replying -> done                      our own answer, when nothing was sent yet;
//      else the stream is reset
//
// Flow control is decided by settle() alone, after every event, from levels.
#pragma once

#include <array>
#include <memory>

#include "attempt.h"
#include "body_pace.h"
#include "onehop/base/arena.h"
#include "onehop/base/recycled.h"
#include "onehop/http/connection.h"
#include "onehop/proxy/proxy.h"
#include "onehop/telemetry/phase.h"
#include "retries.h"
#include "sent_body.h"

namespace onehop::proxy {

class Exchange final : public http::Responder, public Recycled<Exchange>, private AttemptEvents {
 public:
  Exchange(Proxy& proxy, http::ServerStream& downstream, const http::Client& client,
           const http::HeadTimes& times);
  ~Exchange() override;

 private:
  enum class State : uint8_t { routing, waiting, forwarding, replying, done };
  static constexpr size_t kMaxTried = 16;  // endpoints that one request may be offered to

  // ServerStream::Events
  void on_head(const http::RequestHead& head, http::Ends ends) override;
  void on_body(Buffer& bytes, http::Ends ends) override;
  void on_trailers(const http::Fields& trailers) override;
  void on_room() override;
  void on_stall() override;
  void on_reset(const http::StreamError& why) override;

  // AttemptEvents
  void on_dialing() override;
  void on_queued() override;
  void on_stream(http::ClientStream& stream) override;
  void on_no_stream(const upstream::LeaseError& error) override { no_connection(error); }
  void on_response_head(const http::ResponseHead& head, http::Ends ends) override;
  void on_response_body(Buffer& bytes, http::Ends ends) override;
  void on_response_trailers(const http::Fields& trailers) override;
  void on_upstream_room() override;
  void on_upstream_stall() override;
  void on_upstream_reset(const http::StreamError& why) override;

  // Decisions, in the order in which an exchange meets them.
  bool answered_here(const http::RequestHead& head);
  void choose();
  void pass_over();
  enum class Connection : uint8_t { any, fresh };
  void start_attempt(upstream::Endpoint& endpoint, Connection connection);
  void no_connection(const upstream::LeaseError& error);
  void send_interim(const http::ResponseHead& head);
  void open_tunnel(const http::ResponseHead& head);
  void request_ended();
  void response_ended();
  void fail(Outcome outcome, std::string_view detail);
  void reply(Outcome outcome, std::string_view detail);
  void finish(Outcome outcome);

  void settle();
  void watch_body(size_t bytes);
  void on_silence();  // the deadline of whatever is waited for
  void on_request_timeout() { fail(Outcome::request_timeout, {}); }
  void on_body_deadline();
  void wait_at_most(config::milliseconds limit);
  uint64_t now() const { return telemetry::kCounting ? proxy_.parts_.loop.now_ns() : 0; }

  Proxy& proxy_;
  http::ServerStream& downstream_;
  const http::Client& client_;
  upstream::Upstream* upstream_ = nullptr;
  telemetry::EndpointShard* measured_ =
      nullptr;  // the endpoint it is at: its histograms get what is spent there
  Attempt attempt_{*this};
  http::RequestHead request_;  // as it is sent upstream; lives in arena_
  telemetry::PhaseClock clock_;
  net::Deadline silence_{this, net::DeadlineThunk<&Exchange::on_silence>::call};
  net::Deadline request_deadline_{this, net::DeadlineThunk<&Exchange::on_request_timeout>::call};
  net::Deadline body_deadline_{this, net::DeadlineThunk<&Exchange::on_body_deadline>::call};
  SentBody sent_body_;
  Retries retries_;
  uint64_t body_bytes_ = 0;  // of the request, so far
  BodyPace pace_;
  std::array<uint16_t, kMaxTried> tried_{};
  uint8_t tried_count_ = 0;
  uint8_t client_minor_ = 1;
  State state_ = State::routing;
  Outcome outcome_ = Outcome::ok;
  int status_ = 0;             // sent to the client; 0: none
  bool reading_body_ = false;  // settle()'s last word about the request body
  bool awaiting_continue_ = false;
  bool request_ended_ = false;  // all of it was handed to the attempt (or there is no body)
  bool response_begun_ = false;
  bool response_ended_ = false;
  bool interim_seen_ = false;
  bool tunnel_ = false;
  bool grpc_ = false;
  Arena arena_;
};

}  // namespace onehop::proxy
