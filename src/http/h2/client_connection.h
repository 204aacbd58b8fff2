// SPDX-License-Identifier: MIT
// An HTTP/2 connection to an endpoint (RFC 9113): many streams at a time, each lent out by a pool.
#pragma once

#include "client_stream.h"
#include "connection.h"
#include "onehop/base/recycled.h"
#include "onehop/http/h2.h"

namespace onehop::http::h2 {

class H2ClientConnection final : public ClientConnection,
                                 public Recycled<H2ClientConnection>,
                                 private Connection {
 public:
  H2ClientConnection(net::Loop& loop, net::TransportPtr transport, const config::Limits& limits,
                     telemetry::EndpointShard& counters, ClientConnection::Events& owner,
                     const ConnectOptions& options);
  ~H2ClientConnection() override = default;

  ClientStream& open_stream(ClientStream::Events& events) override;
  StreamEnd close_stream(ClientStream& stream) override;
  size_t capacity() const override;
  bool multiplexed() const override { return true; }
  bool takes_no_more() const override;
  int64_t keep_alive_seconds() const override { return -1; }
  telemetry::Closer closer() const override { return closed_by(); }
  void cut() override { shut(telemetry::Closer::onehop, Violation::stopped); }
  void abandon() override;

 private:
  void on_over(telemetry::Closer who, Violation violation, net::NetError network) override;
  void on_ending() override { ended_idle_ = lent_ == 0; }
  void on_stream_gone() override { has_news_ = true; }
  void on_turn_end() override;
  void on_finished() override;
  void take_head(int32_t id, H2Stream* stream, HeadCollector& head, bool ends) override;
  void on_frame(const nghttp2_frame& frame) override;
  void on_frame_sent(const nghttp2_frame& frame) override;

  void on_ping_deadline();

  ClientConnection::Events& owner_;
  ConnectOptions options_;
  net::Deadline ping_{this, net::DeadlineThunk<&H2ClientConnection::on_ping_deadline>::call};
  uint64_t heard_bytes_ = 0;  // that had come when ping_ was last due
  size_t lent_ = 0;           // streams that somebody holds
  bool pinged_ = false;       // nothing has come since
  bool has_news_ = false;     // there may be capacity for more streams
  bool doubtful_ = false;     // it may be dead: no more streams, but those that are there go on
  bool broke_rules_ = false;  // the endpoint, so that GOAWAY was said to it with an error
  bool ended_idle_ = false;   // nobody held a stream when it ended
};

}  // namespace onehop::http::h2
