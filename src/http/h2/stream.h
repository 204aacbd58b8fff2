// SPDX-License-Identifier: MIT
// H2Stream: what both kinds of HTTP/2 streams have in common, that is everything but heads. Bytes
// that wait for the peer's window on the way out, bytes that wait for their reader on the way in.
//
// Its connection owns it. It ends when both sides have let go: nghttp2, which closed the stream
// (forgotten), and whoever sends and receives on it (released).
#pragma once

#include "../write_pace.h"
#include "onehop/base/arena.h"
#include "onehop/http/buffered.h"
#include "onehop/http/stream.h"
#include "onehop/net/loop.h"
#include "receive_window.h"
#include "session.h"

namespace onehop::http::h2 {

class Connection;
struct Sending;  // tags the list of streams that sent something since the last flush

class H2Stream : public net::Retirable,
                 public ListNode<H2Stream>,
                 public ListNode<Sending>,
                 protected BodySource {
 public:
  explicit H2Stream(Connection& connection);

  int32_t id() const noexcept { return id_; }

  // From the connection, what nghttp2 says.
  void receive(std::string_view bytes);
  void receive_trailers(const Fields& trailers);
  void receive_end();
  void end_was_written() noexcept { end_written_ = true; }
  void forgotten(uint32_t error);

  // What came in small pieces, and would be passed on at the end of the turn.
  void deliver_now();

  // After a write: `all` that nghttp2 produced is in the kernel's hands.
  void flushed(bool all);

  // The connection had no room because of others, and has some.
  void room_again() {
    if (!released_ && out_.empty() && !static_cast<ListNode<Sending>&>(*this).linked()) on_out();
  }

  // Ends the stream where something of it waits, for the peer or for its reader, so that memory is
  // freed.
  void give_up_what_waits() {
    if (!released_ && held_.bytes() + kept_.bytes() > 0) on_stuck_too_long(Violation::not_taken);
  }

  virtual bool is_tunnel() const noexcept { return false; }

  // Whether the next header block is a head, not a trailer section.
  virtual bool expects_head() const noexcept = 0;

  // Trailers came that are too much.
  virtual void turn_down(Violation violation) = 0;

  // The connection failed: nothing comes and nothing leaves any more.
  virtual void fail(Violation violation, net::NetError network) = 0;

 protected:
  // What comes, for the one side; called when it is wanted, in order.
  virtual void deliver_body(Buffer& bytes, Ends ends) = 0;
  virtual void deliver_trailers(const Fields& trailers) = 0;
  virtual void on_out() = 0;    // all that was sent is in the kernel's hands
  virtual void on_stuck() = 0;  // it is not, because the peer does not take it
  virtual void on_stuck_too_long(Violation why) = 0;
  virtual void on_forgotten(uint32_t error) = 0;
  virtual void on_waiting(size_t) {}  // bytes that have come wait for their reader; a level

  // For the other side.
  void queue_body(Buffer&& bytes, bool ends);
  void queue_trailers(const Fields& trailers);
  void end_with_head();
  void sent_something();
  bool out_has_room() const noexcept;
  void want_body(bool wanted);
  void keep(size_t bytes) noexcept;
  void reset_stream(uint32_t error);
  void release();
  // The message that comes is only a head.
  void head_was_all() noexcept { received_end_ = delivered_end_ = true; }

  bool all_received() const noexcept { return received_end_; }
  bool all_delivered() const noexcept { return delivered_end_; }
  bool all_sent() const noexcept { return end_written_; }
  bool known() const noexcept { return known_; }

  Connection& connection_;
  int32_t id_ = 0;
  bool known_ = true;      // to nghttp2
  bool released_ = false;  // by whoever sends and receives on it

 private:
  // Goes on delivering at the end of the turn, when nobody is on the stack.
  struct Resume final : net::Dirty {
    explicit Resume(H2Stream& stream) : stream_(stream) {}
    void flush() override { stream_.deliver(); }
    H2Stream& stream_;
  };

  Piece piece(size_t most) override;
  void move_to(Buffer& output, size_t size) override;
  void submit_trailers(nghttp2_session* session) override;
  void deliver();
  void deliver_what_waits();
  void watch_pace();
  bool is_held() const;
  uint64_t progress();
  uint64_t patience_left_ms();
  void on_deadline();
  void forget_if_over();

  ReceiveWindow window_;
  Buffer in_;
  Buffer out_;
  size_t promised_ = 0;  // of out_, what nghttp2 has made a frame of that is not written yet
  Buffered held_;        // what waits in both
  Buffered kept_;        // what its exchange keeps; of the connection, not of the stream
  Arena trailer_room_;
  Fields in_trailers_;
  Fields out_trailers_;
  Resume resume_{*this};
  net::Deadline stuck_{this, net::DeadlineThunk<&H2Stream::on_deadline>::call};
  WritePace pace_;      // while stuck_ is armed
  uint64_t moved_ = 0;  // bytes of the body that have left for the peer
  // Of what was progress so far, and where the two that can be it stood then.
  uint64_t progress_ = 0;
  uint64_t moved_before_ = 0;
  uint64_t taken_before_ = 0;
  bool wanted_ = false;
  bool received_end_ = false;
  bool delivered_end_ = false;
  bool out_ends_ = false;
  bool deferred_ = false;  // nghttp2 asked for more than there was
  bool end_written_ = false;
};

}  // namespace onehop::http::h2
