// SPDX-License-Identifier: MIT
// Exchange: one request of a client, joined to an attempt at an endpoint and its response. It sees
// two streams and no protocol.
//
//   routing -> waiting -> forwarding -> done     waiting: for a connection
//      |        ^   |         |
//      |        |   |         |                  retry: only while no response head was sent and
//      |        +---+--retry--+                  all of the body can be sent again (RetryPolicy)
//      |            |         |
//      |            |         +-> tunnel -> done     after a 101: bytes in both directions
//      +------------+---------+-> replying -> done   our own answer, while nothing was sent yet;
//                                                    else the stream is reset
//
// Flow control is decided by settle() alone, after every event, from levels.
#pragma once

#include <memory>
#include <optional>

#include "access_notes.h"
#include "affinity.h"
#include "attempt.h"
#include "bonds.h"
#include "client_identity.h"
#include "exchange_deadlines.h"
#include "interim_backlog.h"
#include "message_fields.h"
#include "onehop/base/arena.h"
#include "onehop/base/recycled.h"
#include "onehop/http/connection.h"
#include "onehop/proxy/proxy.h"
#include "onehop/routing/way.h"
#include "onehop/telemetry/phase.h"
#include "retry_policy.h"
#include "sent_body.h"
#include "told_client.h"

namespace onehop::proxy {

class Exchange final : public http::Responder,
                       public Recycled<Exchange>,
                       private AttemptEvents,
                       private ExchangeDeadlines::Events {
 public:
  Exchange(Proxy& proxy, http::ServerStream& downstream, const http::Client& client,
           const http::HeadTimes& times);
  ~Exchange() override;

 private:
  enum class State : uint8_t { routing, waiting, forwarding, tunnel, replying, done };
  // What the client has sent of its request; in a tunnel, of its side of it. `held`: it waits to be
  // told to continue.
  enum class Asked : uint8_t { held, body, all };
  // What has come of the response, and was given to the client's stream; in a tunnel, of the
  // endpoint's side of it.
  enum class Answered : uint8_t { nothing, interim, head, all };

  // ServerStream::Events
  void on_head(const http::RequestHead& received, http::Ends ends) override;
  void on_body(Buffer& bytes, http::Ends ends) override;
  void on_trailers(const http::Fields& trailers) override;
  void on_room() override;
  void on_stall() override;
  void on_reset(const http::StreamError& why) override;

  // AttemptEvents
  void on_dialing() override {
    clock_.enter(telemetry::Phase::connect, telemetry::Doing::wait, now());
  }
  void on_queued() override {
    clock_.enter(telemetry::Phase::route_and_queue_wait, telemetry::Doing::wait, now());
  }
  void on_stream(http::ClientStream& stream) override;
  void on_no_stream(const upstream::LeaseError& error) override { no_connection(error); }
  void on_response_head(const http::ResponseHead& head, http::Ends ends) override;
  void on_response_body(Buffer& bytes, http::Ends ends) override;
  void on_response_trailers(const http::Fields& trailers) override;
  void on_upstream_room() override;
  void on_upstream_stall() override;
  void on_response_waiting(size_t bytes) override {
    waiting_ = bytes;
    account();
  }
  void on_upstream_reset(const http::StreamError& why) override;

  // ExchangeDeadlines::Events
  void on_silence() override;
  void on_body_late(Outcome outcome) override { fail(outcome, {}); }
  void on_request_timeout() override { fail(Outcome::request_timeout, {}); }

  // Decisions, in the order in which an exchange meets them.
  bool ask_limits(const http::RequestHead& head, const routing::Way& way,
                  const Result<ClientIdentity, Outcome>& who) {
    if (!epoch_->rate_limits().any()) return false;
    const auto route = way.match.has_value() ? std::optional(way.match->route) : std::nullopt;
    const std::string_view address = who.has_value() ? who->address : client_.ip_text();
    rated_ = epoch_->rate_limits().ask(
        {head, terms_, route, client_, address, proxy_.parts_.loop.now_ns()}, arena_);
    return rated_ != nullptr && rated_->refused;
  }
  std::optional<Outcome> make_request(const http::RequestHead& head, const Trust& trust,
                                      const Result<ClientIdentity, Outcome>& who);
  void attempt_next(const RetryPolicy::Next& next, upstream::Endpoint& endpoint,
                    upstream::Bond* bond = nullptr);
  upstream::Want want(const RetryPolicy::Next& next, upstream::Bond* bond) {
    return {.fresh = next.connection == RetryPolicy::Connection::fresh,
            .upgrade = needs_http1_,
            .young = !http::is_idempotent(request_.method),
            .patient = next.comes_back,
            .bond = bond,
            .client = told_client(*settings_, client_, arena_)};
  }
  void bind_connection() { Bonds::add(client_, *upstream_, policy_.current(), attempt_.bind()); }
  // Where a cookie says; elsewhere, and for another attempt, where the balancer does.
  upstream::Endpoint* choose() {
    const bool named = affinity_.named != 0 && policy_.tried().empty();
    upstream::Endpoint* const there = named ? upstream_->find(affinity_.named) : nullptr;
    return there != nullptr ? there : upstream_->pick({policy_.tried(), affinity_.hash});
  }
  void attempt_again(const FailedAttempt& failure, std::string_view detail);
  void pass_over(const upstream::Endpoint& next, Outcome outcome);
  void no_connection(const upstream::LeaseError& error) {
    attempt_again({.outcome = outcome_of(error)}, {});
  }
  http::ResponseHead for_client(const http::ResponseHead& head) {
    return forwarded_response(
        head,
        {request_.trailers_accepted, epoch_->server().via, returned_id(),
         strict_transport_security(client_, terms_, arena_),
         sticky_cookie(*upstream_, settings_->sticky, affinity_, *attempt_.endpoint(), arena_),
         rated_},
        proxy_.field_room_);
  }
  // What the client learns of the request's id.
  std::string_view returned_id() const {
    return epoch_->server().request_id ? request_id_ : std::string_view();
  }
  void send_interim(const http::ResponseHead& head);
  void open_tunnel(const http::ResponseHead& head);
  // Whatever the endpoint was sent, it may turn out that it has looked at nothing of it.
  bool may_go_again() const {
    return attempt_.may_be_refused() || (settings_->retry_unseen && attempt_.reused());
  }
  // The body is held back no more. Whether it was.
  bool let_go() {
    if (asked_ != Asked::held) return false;
    asked_ = Asked::body;
    return true;
  }
  bool response_begun() const { return answered_ >= Answered::head; }
  void request_ended() {
    asked_ = Asked::all;
    deadlines_.body_stopped();
    if (!response_begun()) deadlines_.await(timeouts().response_head);
  }
  void response_ended();
  void fail(Outcome outcome, std::string_view detail);
  void reply(Outcome outcome, std::string_view detail);
  void finish(Outcome outcome);
  void write_down(Outcome outcome) {
    notes_->end({.client = client_,
                 .clock = clock_,
                 .snapshot = epoch_->snapshot().number(),
                 .outcome = outcome,
                 .status = status_,
                 .request_bytes = body_bytes_,
                 .response_bytes = response_bytes_,
                 .route = attempt_.route(),
                 .upstream = upstream_ != nullptr ? upstream_->name() : std::string_view(),
                 .request_id = request_id_,
                 .rate_limit = rated_ != nullptr ? rated_->noted : std::string_view()});
  }

  void account();
  void settle();
  const config::UpstreamTimeouts& timeouts() const { return settings_->timeouts; }
  uint64_t now() const { return telemetry::kCounting ? proxy_.parts_.loop.now_ns() : 0; }

  EpochPin epoch_;  // what it is decided by; gone last
  Proxy& proxy_;
  http::ServerStream& downstream_;
  const http::Client& client_;
  const http::ListenerTerms* terms_;  // of the listener that the client came to; or null
  upstream::Upstream* upstream_ = nullptr;
  const config::Upstream* settings_ = nullptr;
  telemetry::RouteShard* route_;    // that of no route, until it is known
  upstream::EndpointPin measured_;  // where it is: the histograms there get what is spent there
  http::RequestHead request_;       // as it is sent upstream; lives in arena_
  std::string_view request_id_;     // lives in arena_
  Attempt attempt_{*this, request_, proxy_.parts_.failures};
  telemetry::PhaseClock clock_;
  ExchangeDeadlines deadlines_;
  SentBody sent_body_;
  RetryPolicy policy_;
  Affinity affinity_;
  InterimBacklog interim_backlog_;
  uint64_t body_bytes_ = 0;      // of the request, so far
  uint64_t response_bytes_ = 0;  // of its body, handed to the client's stream so far
  uint8_t client_minor_ = 1;
  State state_ = State::routing;
  Outcome outcome_ = Outcome::ok;
  int status_ = 0;  // sent to the client; 0: none
  BodyKind body_kind_ = BodyKind::counted;
  bool reading_body_ = false;  // settle()'s last word about the request body
  bool binds_ = false;         // its credentials are those of the connection it goes over
  bool needs_http1_ = false;
  bool grpc_ = false;
  Asked asked_ = Asked::all;
  Answered answered_ = Answered::nothing;
  Arena arena_;
  const Rated* rated_ = nullptr;  // lives in arena_; null where it met no rate limit
  AccessNotes* notes_ = nullptr;  // lives in arena_; null where nothing is written down
  size_t kept_ = 0;               // bytes of memory that the client's stream was told of
  size_t waiting_ = 0;            // bytes of the response that wait at the endpoint's stream
};

}  // namespace onehop::proxy
