// SPDX-License-Identifier: MIT
// H2Stream: what both kinds of HTTP/2 streams have in common, that is everything but heads. Bytes
// that wait for the peer's window on the way out, bytes that wait for their reader on the way in.
//
// Its connection owns it. It ends when both sides have let go: nghttp2, which closed the stream
// (forgotten), and whoever sends and receives on it (released).
#pragma once

#include "onehop/base/arena.h"
#include "onehop/http/stream.h"
#include "onehop/net/loop.h"
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

  // After a write: `all` that nghttp2 produced is in the kernel's hands.
  void flushed(bool all);

  // The connection had no room because of others, and has some.
  void room_again() {
    if (!released_ && out_.empty() && !static_cast<ListNode<Sending>&>(*this).linked()) on_out();
  }

  // Whether the next header block is a head, not a trailer section.
  virtual bool expects_head() const noexcept = 0;

  // The connection failed: nothing comes and nothing leaves any more.
  virtual void fail(Violation violation, net::NetError network) = 0;

 protected:
  // What comes, for the one side; called when it is wanted, in order.
  virtual void deliver_body(Buffer& bytes, Ends ends) = 0;
  virtual void deliver_trailers(const Fields& trailers) = 0;
  virtual void on_out() = 0;    // all that was sent is in the kernel's hands
  virtual void on_stuck() = 0;  // it is not, because the peer does not take it
  virtual void on_stuck_too_long() = 0;
  virtual void on_forgotten(uint32_t error) = 0;

  // For the other side.
  void queue_body(Buffer&& bytes, bool ends);
  void queue_trailers(const Fields& trailers);
  void end_with_head();
  void sent_something();
  bool out_has_room() const noexcept;
  void want_body(bool wanted);
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
  void on_deadline() { on_stuck_too_long(); }
  void forget_if_over();

  Buffer in_;
  Buffer out_;
  Arena trailer_room_;
  Fields in_trailers_;
  Fields out_trailers_;
  Resume resume_{*this};
  net::Deadline stuck_{this, net::DeadlineThunk<&H2Stream::on_deadline>::call};
  size_t stuck_bytes_ = 0;
  bool wanted_ = false;
  bool received_end_ = false;
  bool delivered_end_ = false;
  bool out_ends_ = false;
  bool deferred_ = false;  // nghttp2 asked for more than there was
  bool end_written_ = false;
};

}  // namespace onehop::http::h2
