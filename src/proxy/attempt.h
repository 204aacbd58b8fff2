// SPDX-License-Identifier: MIT
// Attempt: one try at one endpoint. It waits for a connection, then holds the lease and the stream
// on it, and passes their events to its exchange under names that say which side they come from.
// Part of its exchange, used for one try after the other.
#pragma once

#include "onehop/proxy/outcome.h"
#include "onehop/upstream/upstream.h"

namespace onehop::proxy {

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

 protected:
  ~AttemptEvents() = default;
};

class Attempt final : private upstream::Pool::Waiter, private http::ClientStream::Events {
 public:
  explicit Attempt(AttemptEvents& events) : events_(events) {}
  ~Attempt() override { cancel(); }

  // What start() may answer at once; otherwise an event follows.
  enum class Started : uint8_t { streaming, dialing, queued, refused };

  // Asks the endpoint's pool for a connection. When `streaming`, stream() is there; when `refused`,
  // error() says why; no event is raised for these.
  Started start(upstream::Endpoint& endpoint, upstream::Want want);

  bool active() const noexcept { return endpoint_ != nullptr; }
  http::ClientStream* stream() noexcept { return stream_; }
  upstream::Endpoint* endpoint() noexcept { return endpoint_; }
  const upstream::LeaseError& error() const noexcept { return error_; }
  bool reused() const noexcept { return lease_.reused(); }
  // The endpoint may yet turn the stream away unseen, whatever was sent on it.
  bool may_be_refused() const noexcept { return lease_.multiplexed(); }

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
    events_.on_response_head(head, ends);
  }
  void on_body(Buffer& bytes, http::Ends ends) override { events_.on_response_body(bytes, ends); }
  void on_trailers(const http::Fields& trailers) override {
    events_.on_response_trailers(trailers);
  }
  void on_room() override { events_.on_upstream_room(); }
  void on_stall() override { events_.on_upstream_stall(); }
  void on_reset(const http::StreamError& why) override { events_.on_upstream_reset(why); }

  void count(int status, Outcome outcome);
  void take(upstream::Lease lease);
  void cancel();

  AttemptEvents& events_;
  upstream::Endpoint* endpoint_ = nullptr;
  upstream::Lease lease_;
  http::ClientStream* stream_ = nullptr;
  upstream::LeaseError error_;
};

}  // namespace onehop::proxy
