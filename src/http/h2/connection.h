// SPDX-License-Identifier: MIT
// Connection: what both ends of an HTTP/2 connection have in common: a transport, a session, the
// streams, and the turn. Callbacks of the session only append; pump_ writes frames once, when the
// turn ends.
//
//   open -> closing -> lingering -> closed     closing: GOAWAY was said, streams end
//     |        |                               lingering: FIN was said, what still comes is dropped
//     +--------+------------------> closed
#pragma once

#include <memory>

#include "../turn_share.h"
#include "../write_pace.h"
#include "flood_watch.h"
#include "head_collector.h"
#include "onehop/http/connection.h"
#include "session.h"
#include "stream.h"

namespace onehop::http::h2 {

// What a connection may hold for a peer that does not take it. Of an endpoint, which is no client:
// nobody above, and no limit but the streams' own.
struct Holding {
  Buffered* client = nullptr;  // the level of its address
  StalledClients* stalled = nullptr;
  uint64_t per_connection = 0;
  uint64_t per_stream = 16 * 1024;
};

class Connection : protected net::Transport::Events,
                   protected Session::Events,
                   private StalledClient {
 public:
  struct Parts {
    net::Loop& loop;
    net::TransportPtr transport;
    Role role;
    SessionOptions options;
    HeadLimits head_limits;
    uint32_t reset_burst;
    uint32_t resets_per_second;
    WritePace::Rule write;  // for a peer that does not take what is sent
    Holding holding = {};
  };
  explicit Connection(Parts&& parts);
  virtual ~Connection() = default;

  // From its streams.
  Buffered& held() noexcept { return held_; }
  const WindowLimits& window_limits() const noexcept { return window_limits_; }
  uint64_t most_per_stream() const noexcept { return holding_.per_stream; }
  net::Loop& loop() noexcept { return loop_; }
  Session& session() noexcept { return session_; }
  const Session& session() const noexcept { return session_; }
  WritePace::Rule write_rule() const noexcept { return write_rule_; }
  bool has_room() const noexcept;  // no: every stream is told when there is some again
  void sent_something(H2Stream& stream);
  void keeps_something() noexcept;
  void consumed(int32_t id, size_t size);  // by the reader of a stream
  void reset_stream(int32_t id, uint32_t error);
  void retire(H2Stream& stream);
  void bind(H2Stream& stream, int32_t id);  // it has got its id
  void refuse_later(H2Stream& stream);      // it can get none: told at the end of the turn
  uint64_t bytes_written() const noexcept { return transport_ ? transport_->written() : 0; }
  uint64_t bytes_taken() const noexcept { return transport_ ? transport_->taken_bytes() : 0; }
  uint64_t bytes_received() const noexcept { return received_; }

 protected:
  enum class State : uint8_t { open, closing, lingering, closed };

  // What the one end has to say. `violation` is why, for the streams that are still there.
  virtual void on_over(telemetry::Closer who, Violation violation, net::NetError network) = 0;
  virtual void on_flood(telemetry::H2Flood) {}  // the peer is given up for it; once
  virtual void on_ending() {}                   // before its streams are told
  virtual void on_stream_gone() = 0;            // one less
  virtual void on_turn_end() {}                 // nobody is on the stack
  virtual void on_finished() = 0;               // neither side has anything to say any more
  // A head is complete. `stream` is null for a request.
  virtual void take_head(int32_t id, H2Stream* stream, HeadCollector& head, bool ends) = 0;

  void start();
  void feed(Buffer& bytes);
  bool pump();     // true: there is more for the transport to write
  void go_away();  // GOAWAY with the last stream that was taken; the end of those ends it
  void linger();
  void mark_pump() noexcept { loop_.mark_dirty(pump_); }
  void shut(telemetry::Closer who, Violation violation, net::NetError network = {});
  void close_silently();
  void adopt(H2Stream& stream);
  H2Stream* find(int32_t id);
  telemetry::Closer closed_by() const noexcept { return closed_by_; }
  // Where the next byte of output is, counted from the connection's first.
  uint64_t position() const noexcept { return transport_->written() + transport_->unsent(); }

  // Transport::Events
  void on_bytes(Buffer& bytes) override;
  void on_end() override;
  void on_error(net::NetError error) override;
  void on_flush(net::Flushed flushed) override;

  // Session::Events
  void on_frame_begin(const nghttp2_frame_hd& head) override;
  void on_frame(const nghttp2_frame& frame) override;
  void on_frame_sent(const nghttp2_frame& frame) override;

  net::Loop& loop_;
  net::TransportPtr transport_;
  IntrusiveList<H2Stream> streams_;
  size_t stream_count_ = 0;
  State state_ = State::open;
  bool head_begun_ = false;  // a header block has begun and not ended
  int32_t head_id_ = 0;      // of which stream

 private:
  // Of one peer, however many it has sent. Pieces of DATA are frames and parts of them; of bodies
  // in bulk, 33 come in a read.
  static constexpr uint32_t kHeadsPerTurn = 64;
  static constexpr uint32_t kDataPerTurn = 512;

  // Goes on, in a later turn, with what came when the turn's share was used up.
  struct Resume final : net::Dirty {
    explicit Resume(Connection& connection) : connection_(connection) {}
    void flush() override { connection_.resume(); }
    Connection& connection_;
  };
  struct Pump final : net::Dirty {
    explicit Pump(Connection& connection) : connection_(connection) {}
    void flush() override { connection_.flush_frames(); }
    Connection& connection_;
  };

  // Session::Events
  void on_head_begin(int32_t id) override;
  bool on_field(int32_t id, std::string_view name, std::string_view value,
                bool never_indexed) override;
  void on_head_end(int32_t id, bool ends) override;
  bool on_data(int32_t id, std::string_view bytes) override;
  void on_message_end(int32_t id) override;
  void on_stream_closed(int32_t id, uint32_t error) override;

  void resume();
  void feed_some(Buffer& bytes);
  void note_stall();
  size_t held_bytes() const noexcept override { return held_.bytes(); }
  uint64_t taken_bytes() const noexcept override { return bytes_taken(); }
  void give_up() override;
  void flush_frames();
  void settle(bool all);
  void tell_of_room();
  void watch_write(bool all);
  uint64_t patience_left_ms();
  void on_write_deadline();
  void cut_streams(Violation violation, net::NetError network);
  void end_flood(FloodWatch::Reason reason);
  void on_linger_deadline();

  void end_head() noexcept {
    head_begun_ = false;
    head_.reset();
  }

  Session session_;
  WindowLimits window_limits_;
  HeadLimits head_limits_;
  std::unique_ptr<HeadCollector> head_;  // while one comes
  Holding holding_;
  Buffered held_;
  uint64_t moves_ = 0;        // frames of DATA that left, and times that a reader took some
  uint64_t moves_noted_ = 0;  // of those, when it was last seen to stall
  uint64_t received_ = 0;
  IntrusiveList<H2Stream, Sending> sending_;
  IntrusiveList<H2Stream, Sending> refused_;
  Buffer unread_;  // came, and waits for the turns to come
  TurnShare heads_{kHeadsPerTurn};
  TurnShare data_{kDataPerTurn};
  bool head_is_new_ = false;  // no field of it has come
  Resume resume_{*this};
  Pump pump_{*this};
  net::Deadline linger_{this, net::DeadlineThunk<&Connection::on_linger_deadline>::call};
  net::Deadline write_{this, net::DeadlineThunk<&Connection::on_write_deadline>::call};
  WritePace pace_;                    // while write_ is armed
  mutable bool room_denied_ = false;  // some stream was told that there is no room
  FloodWatch floods_;
  WritePace::Rule write_rule_;
  telemetry::Closer closed_by_ = telemetry::Closer::onehop;
};

}  // namespace onehop::http::h2
