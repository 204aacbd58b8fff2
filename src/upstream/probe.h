// SPDX-License-Identifier: MIT
// Probe: one health check of one endpoint, on a connection of its own.
//
//   start -> dial (PROXY header, TLS) -+-> tcp: passed
//                                      +-> one stream: question -> the whole answer, or its first
//                                          64 KiB -> ProbeAnswer says
//
// A deadline is over all of it.
#pragma once

#include <array>
#include <memory>
#include <string>

#include "onehop/http/connection.h"
#include "onehop/net/dialer.h"
#include "probe_answer.h"
#include "probe_dialer.h"

namespace onehop::upstream {

class Probe final : private net::Dial::Events,
                    private http::ClientConnection::Events,
                    private http::ClientStream::Events {
 public:
  class Events {
   public:
    // Once, and the last of it: it may be destroyed in the call. Never from within start().
    virtual void on_probed(const ProbeVerdict& verdict) = 0;

   protected:
    ~Events() = default;
  };

  // What is referred to outlives it.
  struct Parts {
    net::Loop& loop;
    ProbeDialer& dialer;
    telemetry::EndpointShard& counters;  // of connections; nobody reads them
    const config::Limits& limits;
    Events& events;
    Address address;
    std::string authority;                         // what the endpoint is asked as
    std::shared_ptr<const config::Health> health;  // how
    config::UpstreamProtocol protocol;
  };
  explicit Probe(Parts parts);
  // Gives it up.
  ~Probe();

  // Once. An error: it could not begin, and no event follows.
  Result<void, net::NetError> start();

 private:
  void on_connected(net::TransportPtr transport) override;
  void on_dial_failed(net::NetError error) override;

  void on_idle_end(http::ClientConnection&, http::Violation) override {}
  void on_capacity(http::ClientConnection&) override {}

  void on_head(const http::ResponseHead& head, http::Ends ends) override;
  void on_body(Buffer& bytes, http::Ends ends) override;
  void on_trailers(const http::Fields& trailers) override;
  void on_room() override {}
  void on_stall() override {}
  void on_reset(const http::StreamError& why) override;

  void ask();
  void on_deadline();
  void fail(std::string why) { end({ProbeVerdict::Says::failed, std::move(why)}); }
  void end(const ProbeVerdict& verdict);
  void release();

  Parts parts_;
  ProbeAnswer answer_;
  std::unique_ptr<net::Dial> dial_;
  std::unique_ptr<http::ClientConnection> connection_;
  http::ClientStream* stream_ = nullptr;
  std::array<http::Field, 3> fields_;  // of the question
  net::Deadline deadline_{this, net::DeadlineThunk<&Probe::on_deadline>::call};
};

}  // namespace onehop::upstream
