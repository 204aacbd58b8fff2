// SPDX-License-Identifier: MIT
// An HTTP/1.1 connection to an endpoint: one stream after the other, lent out by a pool.
//
//   idle -> head -> body -> done -> idle ...     close_stream() says whether it may go round again
//            |        |
//            |        +-> dead                   a violation, an error, the peer's end
//            +-> tunnel                          after a 101
//
// Where the end comes in place of a response to a request that must not be done twice, a reused
// connection stays in `head` for a moment: until it is known whether the request was delivered.
//
// Idle, it always reads: any byte and any end makes it dead and is told to the owner (edge case
// 10).
#pragma once

#include <memory>

#include "../budget.h"
#include "body_reader.h"
#include "head_reader.h"
#include "onehop/base/recycled.h"
#include "onehop/http/connection.h"
#include "websocket.h"
#include "writer.h"

namespace onehop::http::h1 {

class H1ClientConnection final : public ClientConnection,
                                 public Recycled<H1ClientConnection>,
                                 private net::Transport::Events,
                                 private ClientStream {
 public:
  H1ClientConnection(net::Loop& loop, net::TransportPtr transport, const config::Limits& limits,
                     telemetry::EndpointShard& counters, ClientConnection::Events& owner);
  ~H1ClientConnection() override;

  ClientStream& open_stream(ClientStream::Events& events) override;
  size_t capacity() const override { return state_ == State::idle ? 1 : 0; }
  bool multiplexed() const override { return false; }
  bool takes_no_more() const override { return state_ == State::dead; }
  StreamEnd close_stream(ClientStream& stream) override;
  int64_t keep_alive_seconds() const override { return keep_alive_seconds_; }
  telemetry::Closer closer() const override;
  void cut() override {
    if (events_ == nullptr || state_ == State::dead) return;
    cut_ = true;
    fail(Violation::stopped);
  }
  void abandon() override;

 private:
  enum class State : uint8_t { idle, head, body, tunnel, done, dead };

  struct Resume final : net::Dirty {
    explicit Resume(H1ClientConnection& connection) : connection_(connection) {}
    void flush() override { connection_.resume(); }
    H1ClientConnection& connection_;
  };

  // Transport::Events
  void on_bytes(Buffer& bytes) override;
  void on_end() override { input_ended(); }
  void on_error(net::NetError error) override;
  void on_flush(net::Flushed flushed) override;

  // ClientStream
  void send_head(const RequestHead& head, Ends ends) override;
  void send_body(Buffer&& bytes, Ends ends) override;
  void send_trailers(const Fields& trailers) override;
  bool has_room() const override;
  void set_reading(bool wanted) override;
  bool take_back() override;
  void reset() override;

  void resume();
  void process(Buffer& bytes);
  bool read_head(Buffer& bytes);
  bool read_body(Buffer& bytes);
  bool read_tunnel(Buffer& bytes);
  void end_body(Buffer& out, bool surplus);
  void message_sent();
  void input_ended();
  void end_unanswered();
  void found_surplus();
  void fail(Violation violation) { fail(StreamError{.violation = violation}); }
  void fail(StreamError why);
  void apply_reading();
  void apply_reads();

  net::Loop& loop_;
  net::TransportPtr transport_;
  const config::Limits& limits_;
  telemetry::EndpointShard& counters_;
  ClientConnection::Events& owner_;
  ClientStream::Events* events_ = nullptr;  // of the open stream
  Buffer pending_;                          // read while nobody wanted it
  HeadReader head_;
  BodyReader body_;
  Resume resume_{*this};
  net::Deadline doubt_{this, net::DeadlineThunk<&H1ClientConnection::end_unanswered>::call};
  uint64_t doubt_ends_ms_ = 0;
  uint64_t position_before_ = 0;  // of the transport when the stream was opened
  uint64_t written_before_ = 0;   // bytes written when the stream was opened
  int64_t keep_alive_seconds_ = -1;
  net::NetError error_;
  InterimBudget interim_;                          // of the open stream
  std::unique_ptr<WebSocketHandshake> websocket_;  // when it is onehop that opens one
  std::string_view upgrade_;  // what the request asks for; lives as long as the request's head
  State state_ = State::idle;
  Framing framing_ = Framing::none;
  Method method_ = Method::get;
  bool request_sent_ = false;
  bool persistent_ = true;
  bool reused_ = false;  // it had a stream before this one
  bool delivering_ = true;
  uint64_t paused_turn_ = 0;  // in which delivery was paused last
  // Up to which turn little is read after a pause: that of the first bytes; UINT64_MAX until then.
  uint64_t careful_turn_ = 0;
  bool failed_ = false;
  bool surplus_ = false;  // bytes came that belong to no response
  bool ended_ = false;    // the peer will send nothing more
  bool cut_ = false;      // its last stream ended before the response did
};

}  // namespace onehop::http::h1
