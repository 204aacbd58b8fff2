// SPDX-License-Identifier: MIT
// A pool over a HandLoop, and those who ask it for connections.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "onehop/upstream/bond.h"
#include "onehop/upstream/pool.h"
#include "tests/support/catch.h"
#include "tests/support/hand_dialer.h"

namespace onehop::upstream::test {

using onehop::test::HandDialer;
using onehop::test::HandLoop;
using onehop::test::HandPeer;
using telemetry::Closer;
using telemetry::OpenReason;

// What a pool is configured with, and everything else that it refers to.
struct PoolSide {
  HandLoop loop;
  HandDialer dialer{loop};
  Pools pools;
  PoolSettings settings;
  telemetry::EndpointShard counters;
  Reachability reachability;
  IdleTolerance tolerance;
  config::UpstreamProtocol protocol = config::UpstreamProtocol::h1;

  // To be made once all of the above is as it should be.
  std::unique_ptr<Pool> pool() {
    return std::make_unique<Pool>(Pool::Parts{.loop = loop,
                                              .dialer = dialer,
                                              .http1_dialer = nullptr,
                                              .pools = pools,
                                              .settings = settings,
                                              .counters = counters,
                                              .protocol = protocol,
                                              .secure = false,
                                              .name = "app",
                                              .reachability = reachability,
                                              .tolerance = tolerance,
                                              .address = *Address::numeric("127.0.0.1", 80),
                                              .seed = 1});
  }

  uint64_t opened(OpenReason why) const { return counters.opened.value(static_cast<size_t>(why)); }
  uint64_t closed(Closer who) const { return counters.closed.value(static_cast<size_t>(who)); }
};

// A request that asks for a connection. Gone, it gives up its place or its connection.
class Asker final : public Pool::Waiter, public http::ClientStream::Events {
 public:
  Asker(HandLoop& loop, Pool& pool, Want want = {}) : loop_(loop) {
    Pool::Acquired acquired = pool.acquire(*this, want);
    if (auto* got = std::get_if<Lease>(&acquired)) lease = std::move(*got);
    if (const auto* error = std::get_if<LeaseError>(&acquired)) refusal = *error;
    if (const auto* waiting = std::get_if<Waiting>(&acquired))
      queued = *waiting == Waiting::in_queue;
  }
  ~Asker() override {
    leave();
    lease.release();
    loop_.end_turn();
  }

  void on_dialing() override { queued = false; }
  void on_queued() override { queued = true; }
  void on_lease(Lease got) override {
    queued = false;
    lease = std::move(got);
  }
  void on_no_lease(const LeaseError& error) override {
    queued = false;
    refusal = error;
  }

  // Sends a request on the connection that it has.
  void ask() {
    http::RequestHead head;
    head.method = http::Method::get;
    head.method_text = "GET";
    head.target = "/";
    head.authority = "a";
    lease.open_stream(*this).send_head(head, http::Ends::yes);
    loop_.end_turn();
  }
  // The whole of it: a request, an answer, and the connection is given back.
  void finish(HandPeer& peer, const std::string& fields = "") {
    ask();
    peer.say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + fields + "\r\n");
    lease.release();
    loop_.end_turn();
  }

  void on_head(const http::ResponseHead&, http::Ends) override {}
  void on_body(Buffer& bytes, http::Ends) override { bytes.clear(); }
  void on_trailers(const http::Fields&) override {}
  void on_room() override {}
  void on_stall() override {}
  void on_reset(const http::StreamError&) override {}

  Lease lease;
  std::optional<LeaseError> refusal;
  bool queued = false;

 private:
  HandLoop& loop_;
};

// One request on a connection of its own; the connection is idle afterwards.
inline HandPeer& fill(HandLoop& loop, HandDialer& dialer, Pool& pool,
                      const std::string& fields = "") {
  Asker asker(loop, pool, {.fresh = true});
  loop.end_turn();
  HandPeer& peer = dialer.accept();
  REQUIRE(asker.lease);
  asker.finish(peer, fields);
  return peer;
}
inline HandPeer& fill(PoolSide& side, Pool& pool, const std::string& fields = "") {
  return fill(side.loop, side.dialer, pool, fields);
}

}  // namespace onehop::upstream::test
