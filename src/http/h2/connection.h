// SPDX-License-Identifier: MIT
// Connection: what both ends of an HTTP/2 connection have in common: a transport, a session, the
// streams, and the turn. Callbacks of the session only append; pump_ writes frames once, when the
// turn ends.
//
//   open -> closing -> lingering -> closed     closing: GOAWAY was said, streams end
//     |        |                               lingering: FIN was said, what still comes is dropped
//     +--------+------------------> closed
#pragma once

#include <algorithm>

#include "head_collector.h"
#include "onehop/http/connection.h"
#include "session.h"
#include "stream.h"

namespace onehop::http::h2 {

// A peer may do something costly so many times at once, and so many times a second.
class Budget {
 public:
  Budget(uint32_t burst, uint32_t per_second)
      : left_ms_(uint64_t{burst} * 1000), most_ms_(left_ms_), per_second_(per_second) {}

  // False: it is used up.
  bool take(uint64_t now_ms) noexcept {
    if (last_ms_ != 0) left_ms_ = std::min(most_ms_, left_ms_ + (now_ms - last_ms_) * per_second_);
    last_ms_ = now_ms;
    if (left_ms_ < 1000) return false;
    left_ms_ -= 1000;
    return true;
  }

  // What the peer does is the answer to so many of ours.
  void earn(uint32_t times) noexcept {
    left_ms_ = std::min(most_ms_, left_ms_ + uint64_t{times} * 1000);
  }

 private:
  uint64_t left_ms_;  // in thousandths, so that a millisecond can earn a part of one
  uint64_t most_ms_;
  uint64_t per_second_;
  uint64_t last_ms_ = 0;
};

class Connection : protected net::Transport::Events, protected Session::Events {
 public:
  struct Parts {
    net::Loop& loop;
    net::TransportPtr transport;
    Role role;
    SessionOptions options;
    uint64_t most_head_bytes;
    uint64_t most_fields;
    uint32_t reset_burst;
    uint32_t resets_per_second;
    uint64_t write_stall_ms;  // 0: no limit
  };
  explicit Connection(Parts&& parts);
  virtual ~Connection() = default;

  // From its streams.
  net::Loop& loop() noexcept { return loop_; }
  Session& session() noexcept { return session_; }
  const Session& session() const noexcept { return session_; }
  uint64_t write_stall_ms() const noexcept { return write_stall_ms_; }
  bool has_room() const noexcept;  // no: every stream is told when there is some again
  void sent_something(H2Stream& stream);
  void consumed(int32_t id, size_t size);  // by the reader of a stream
  void reset_stream(int32_t id, uint32_t error);
  void retire(H2Stream& stream);
  void bind(H2Stream& stream, int32_t id);  // it has got its id
  void refuse_later(H2Stream& stream);      // it can get none: told at the end of the turn
  uint64_t bytes_written() const noexcept { return transport_ ? transport_->written() : 0; }
  uint64_t bytes_received() const noexcept { return received_; }

 protected:
  enum class State : uint8_t { open, closing, lingering, closed };

  // What the one end has to say. `violation` is why, for the streams that are still there.
  virtual void on_over(telemetry::Closer who, Violation violation, net::NetError network) = 0;
  virtual void on_flood() {}          // the peer is given up for it
  virtual void on_ending() {}         // before its streams are told
  virtual void on_stream_gone() = 0;  // one less
  virtual void on_turn_end() {}       // nobody is on the stack
  virtual void on_finished() = 0;     // neither side has anything to say any more
  // A head is complete in head_. `stream` is null for a request.
  virtual void take_head(int32_t id, H2Stream* stream, bool ends) = 0;

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
  HeadCollector head_;
  IntrusiveList<H2Stream> streams_;
  size_t stream_count_ = 0;
  State state_ = State::open;
  bool head_begun_ = false;  // a header block has begun and not ended
  int32_t head_id_ = 0;      // of which stream

 private:
  struct Pump final : net::Dirty {
    explicit Pump(Connection& connection) : connection_(connection) {}
    void flush() override { connection_.flush_frames(); }
    Connection& connection_;
  };

  // Session::Events
  void on_head_begin(int32_t id) override;
  void on_field(int32_t id, std::string_view name, std::string_view value,
                bool never_indexed) override;
  void on_head_end(int32_t id, bool ends) override;
  void on_data(int32_t id, std::string_view bytes) override;
  void on_message_end(int32_t id) override;
  void on_stream_closed(int32_t id, uint32_t error) override;

  void flush_frames();
  void settle(bool all);
  void tell_of_room();
  void watch_write(bool all);
  void on_write_deadline();
  void cut_streams(Violation violation, net::NetError network);
  void spend(Budget& budget);
  void on_linger_deadline();

  Session session_;
  uint64_t received_ = 0;
  IntrusiveList<H2Stream, Sending> sending_;
  IntrusiveList<H2Stream, Sending> refused_;
  Pump pump_{*this};
  net::Deadline linger_{this, net::DeadlineThunk<&Connection::on_linger_deadline>::call};
  net::Deadline write_{this, net::DeadlineThunk<&Connection::on_write_deadline>::call};
  size_t untaken_bytes_ = 0;          // in the write that the peer does not take
  mutable bool room_denied_ = false;  // some stream was told that there is no room
  Budget resets_;
  Budget control_;
  uint64_t write_stall_ms_;
  telemetry::Closer closed_by_ = telemetry::Closer::onehop;
};

}  // namespace onehop::http::h2
