// SPDX-License-Identifier: MIT
// A client's HTTP/2 connection (RFC 9113).
//
//   waiting for the first head -> busy <-> idle      drain: GOAWAY that takes everything, a little
//                                                    later GOAWAY with the last stream taken
#pragma once

#include <array>

#include "connection.h"
#include "onehop/base/recycled.h"
#include "server_stream.h"

namespace onehop::http::h2 {

class H2ServerConnection final : public ServerConnection,
                                 public Recycled<H2ServerConnection>,
                                 private Connection {
 public:
  H2ServerConnection(net::Loop& loop, net::TransportPtr transport, const Client& client,
                     Service& service, const ServerSettings& settings, ServerConnections& owner);
  ~H2ServerConnection() override;

  void start(Buffer&& first);
  const Client& client() const override { return client_; }
  void begin_drain(uint64_t idle_ms) override;
  void close_now() override;
  void cut(InFlight kind) override;

 private:
  void on_bytes(Buffer& bytes) override;
  void on_over(telemetry::Closer who, Violation violation, net::NetError network) override;
  void on_stream_gone() override;
  void on_turn_end() override;
  void on_finished() override;
  void on_flood(telemetry::H2Flood reason) override {
    settings_.counters.h2_floods.add(static_cast<size_t>(reason));
  }
  void take_head(int32_t id, H2Stream* stream, HeadCollector& head, bool ends) override;
  void on_frame_begin(const nghttp2_frame_hd& head) override;
  void on_frame_sent(const nghttp2_frame& frame) override;

  bool carries(InFlight kind);
  bool at_rest() const noexcept { return ListNode<Sheddable>::linked(); }
  void watch();
  bool rest();
  void become_idle();
  void on_deadline();
  void on_drain_deadline() { go_away(); }

  Service& service_;
  const ServerSettings& settings_;
  ServerConnections& owner_;
  Client client_;
  net::Deadline deadline_{this, net::DeadlineThunk<&H2ServerConnection::on_deadline>::call};
  net::Deadline drain_{this, net::DeadlineThunk<&H2ServerConnection::on_drain_deadline>::call};
  HeadTimes times_;
  int32_t last_taken_ = 0;
  // Streams that were reset here, the latest of them: what their client sent before it knew may
  // still come. Of those up to forgotten_ nothing is known any more.
  std::array<int32_t, 64> resets_{};
  size_t next_reset_ = 0;
  int32_t forgotten_ = 0;
  bool idle_ = true;
  bool rests_ = false;          // and has given up memory for it
  bool waits_for_head_ = true;  // deadline_ is that of a head, not of an idle connection
};

}  // namespace onehop::http::h2
