// SPDX-License-Identifier: MIT
// Attempt: one try at one endpoint. It waits for a connection, then holds the lease and the stream
// on it, and passes their events to its exchange under names that say which side they come from.
// Part of its exchange, used for one try after the other.
#pragma once

#include "grpc.h"
#include "onehop/proxy/failure_log.h"
#include "onehop/proxy/outcome.h"
#include "onehop/upstream/bond.h"
#include "onehop/upstream/upstream.h"

namespace onehop::proxy {

class AccessNotes;

// What an exchange learns of its attempt.
class AttemptEvents {
 public:
  virtual void on_dialing() = 0;
  virtual void on_queued() = 0;
  virtual void on_stream(http::ClientStream& stream) = 0;  // connected: the request can be sent
  virtual void on_no_stream(const upstream::LeaseError& error) = 0;
  virtual void on_response_head(const http::ResponseHead& head, http::Ends ends) = 0;
  virtual void on_response_body(Buffer& bytes, http::Ends ends) = 0;
  virtual void on_response_trailers(const http::Fields& trailers) = 0;
  virtual void on_upstream_room() = 0;
  virtual void on_upstream_stall() = 0;
  virtual void on_upstream_reset(const http::StreamError& why) = 0;
  virtual void on_response_waiting(size_t bytes) = 0;  // as on_waiting of the stream

 protected:
  ~AttemptEvents() = default;
};

class Attempt final : private upstream::Pool::Waiter, private http::ClientStream::Events {
 public:
  // `request` is what is sent, `failures` is told of tries that fail, or null; both outlive this.
  Attempt(AttemptEvents& events, const http::RequestHead& request, FailureLog* failures)
      : events_(events), request_(request), failures_(failures) {}
  ~Attempt() override { cancel(); }

  // Before the first try: who is told of tries for the access log, which outlives this.
  void note_in(AccessNotes* notes) noexcept { notes_ = notes; }

  // The label of its route, which outlives this, and whether it is a call of gRPC; before the first
  // try.
  void take_route(std::string_view route, bool grpc) noexcept {
    route_ = route;
    grpc_ = grpc;
  }

  // What start() may answer at once; otherwise an event follows.
  enum class Started : uint8_t { streaming, dialing, queued, refused };

  // Asks the endpoint's pool for a connection. When `streaming`, stream() is there; when `refused`,
  // error() says why; no event is raised for these.
  Started start(upstream::Endpoint& endpoint, upstream::Want want);

  std::string_view route() const noexcept { return route_; }
  bool active() const noexcept { return bool(use_); }
  http::ClientStream* stream() noexcept { return stream_; }
  upstream::Endpoint* endpoint() noexcept { return use_.get(); }
  const upstream::LeaseError& error() const noexcept { return error_; }
  bool reused() const noexcept { return lease_.reused(); }
  // The endpoint may yet turn the stream away unseen, whatever was sent on it.
  bool may_be_refused() const noexcept { return lease_.multiplexed(); }

  // Its connection, which came from the pool, turned out to be closed: those beside it are, too.
  void met_closed(const http::StreamError& why) {
    if (why.closed_before) lease_.was_closed();
    use_->pool().discard_idle(telemetry::OpenReason::peer_closed_idle);
  }

  // Lease::bind() of the connection.
  std::unique_ptr<upstream::Bond> bind() { return lease_.bind(); }

  // The end of the try, counted: what the endpoint answered (0: nothing) and how it ended. Gives
  // the connection back.
  void finish(int status, Outcome outcome);

  // The end of a try that gives way to another one, counted: how it ended.
  void give_way(Outcome outcome);

 private:
  void on_dialing() override { events_.on_dialing(); }
  void on_queued() override { events_.on_queued(); }
  void on_lease(upstream::Lease lease) override;
  void on_no_lease(const upstream::LeaseError& error) override;

  void on_head(const http::ResponseHead& head, http::Ends ends) override {
    look_at(head.fields);
    if (!http::is_interim(head.status)) use_.answered(verdict_on(head.status));
    events_.on_response_head(head, ends);
  }
  void on_body(Buffer& bytes, http::Ends ends) override { events_.on_response_body(bytes, ends); }
  void on_trailers(const http::Fields& trailers) override {
    look_at(trailers);
    events_.on_response_trailers(trailers);
  }
  void on_room() override { events_.on_upstream_room(); }
  void on_stall() override { events_.on_upstream_stall(); }
  void on_waiting(size_t bytes) override { events_.on_response_waiting(bytes); }
  void on_reset(const http::StreamError& why) override {
    detail_ = row_of(why.violation).sentence;
    events_.on_upstream_reset(why);
  }

  upstream::Answer verdict_on(int status) const {
    return status >= 500 || call_failed_ ? upstream::Answer::bad : upstream::Answer::good;
  }
  void look_at(const http::Fields& fields) {
    if (grpc_) call_failed_ |= grpc_blames_endpoint(fields);
  }
  enum class Next : uint8_t { nothing, another_try };
  void count(int status, Outcome outcome, Next next);
  void log_failure(Outcome outcome, Next next) const;
  void take(upstream::Lease lease);
  void cancel();

  AttemptEvents& events_;
  const http::RequestHead& request_;
  FailureLog* failures_;
  AccessNotes* notes_ = nullptr;
  std::string_view route_;
  bool grpc_ = false;
  bool call_failed_ = false;  // of gRPC, through the endpoint
  upstream::EndpointUse use_;
  upstream::Lease lease_;
  http::ClientStream* stream_ = nullptr;
  upstream::LeaseError error_;
  std::string_view detail_;  // more of why it failed
};

}  // namespace onehop::proxy
