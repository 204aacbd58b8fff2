// SPDX-License-Identifier: MIT
// ExchangeDeadlines: how long an exchange waits, and for whom. Three clocks run side by side: for
// the next sign of the endpoint (or of a tunnel), for the request's body, and for the whole.
#pragma once

#include <cstdint>

#include "body_pace.h"
#include "onehop/config/config.h"
#include "onehop/net/loop.h"

namespace onehop::proxy {

class ExchangeDeadlines {
 public:
  class Events {
   public:
    virtual void on_silence() = 0;  // nothing came for as long as await() allowed
    virtual void on_body_late(Outcome outcome) = 0;
    virtual void on_request_timeout() = 0;

   protected:
    ~Events() = default;
  };

  // All outlive it; no event comes from within a call. `client` are the client side's limits.
  ExchangeDeadlines(net::Loop& loop, const config::DownstreamTimeouts& client, Events& events)
      : loop_(loop), client_(client), events_(events) {}

  // Each starts its clock anew; 0 leaves it as it is.
  void await(config::milliseconds limit) { arm(silence_, limit); }
  void limit_request(config::milliseconds limit) { arm(request_, limit); }

  bool awaiting() const noexcept { return silence_.armed(); }
  void heard() noexcept { silence_.disarm(); }
  void lift_request_limit() noexcept { request_.disarm(); }

  // The body is read from now on, or bytes of it came, or it is not waited for.
  void watch_body(BodyKind kind);
  void body_came(BodyKind kind, size_t bytes);
  void body_stopped() noexcept { body_.disarm(); }

  void stop() noexcept;

 private:
  void arm(net::Deadline& deadline, config::milliseconds limit) {
    if (limit.count() > 0) loop_.arm(deadline, static_cast<uint64_t>(limit.count()));
  }
  void look_at_body_later();
  void on_silence() { events_.on_silence(); }
  void on_request() { events_.on_request_timeout(); }
  void on_body();

  net::Loop& loop_;
  const config::DownstreamTimeouts& client_;
  Events& events_;
  BodyPace pace_;
  net::Deadline silence_{this, net::DeadlineThunk<&ExchangeDeadlines::on_silence>::call};
  net::Deadline request_{this, net::DeadlineThunk<&ExchangeDeadlines::on_request>::call};
  net::Deadline body_{this, net::DeadlineThunk<&ExchangeDeadlines::on_body>::call};
};

}  // namespace onehop::proxy
