// SPDX-License-Identifier: MIT
// Session: nghttp2's state machine, with its callbacks turned into calls of one receiver. It takes
// bytes in and gives bytes out; it knows no transport and no stream of ours. A head that breaks the
// rules of RFC 9113 8.2 and 8.3 never ends here: nghttp2 resets its stream.
//
// nghttp2 forbids feed() and send() from within a callback. Everything that is submitted there
// leaves with the next send(), at the end of the turn.
#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "onehop/base/buffer.h"
#include "receive_window.h"
#include "session_memory.h"

namespace onehop::http::h2 {

enum class Role : uint8_t { server, client };

// Where a DATA frame's bytes come from: one for each message that is sent.
class BodySource {
 public:
  struct Piece {
    size_t size = 0;
    bool last = false;      // no DATA frame follows
    bool trailers = false;  // with `last`: a trailer section does
  };
  // At most `most` bytes; size 0 without `last` is nothing yet: resume() later.
  virtual Piece piece(size_t most) = 0;
  // Moves `size` bytes of what piece() promised behind the frame's header.
  virtual void move_to(Buffer& output, size_t size) = 0;
  virtual void submit_trailers(nghttp2_session* session) = 0;  // after a piece with `trailers`

 protected:
  ~BodySource() = default;
};

struct SessionOptions {
  uint32_t streams = 100;       // that the peer may open
  WindowLimits window;          // of a stream
  uint64_t head_bytes = 0;      // of the largest head that the peer may send
  uint32_t head_list_size = 0;  // announced as its size, counted as RFC 9113 10.5.1 counts
  bool extended_connect = false;
};

class Session {
 public:
  class Events {
   public:
    virtual void on_frame_begin(const nghttp2_frame_hd& head) = 0;
    virtual void on_head_begin(int32_t id) = 0;
    // False: what follows is not looked at until the next feed().
    virtual bool on_field(int32_t id, std::string_view name, std::string_view value,
                          bool never_indexed) = 0;
    virtual void on_head_end(int32_t id, bool ends) = 0;
    virtual bool on_data(int32_t id, std::string_view bytes) = 0;  // false: as of on_field
    virtual void on_message_end(int32_t id) = 0;                   // of a body or a trailer section
    virtual void on_stream_closed(int32_t id, uint32_t error) = 0;
    virtual void on_frame(const nghttp2_frame& frame) = 0;       // each one that was received whole
    virtual void on_frame_sent(const nghttp2_frame& frame) = 0;  // each one that was written out

   protected:
    ~Events() = default;
  };

  Session(Role role, Events& events, const SessionOptions& options);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // How many bytes were looked at; fewer than there are only where on_field or on_data said so.
  // Nothing: the peer broke the protocol beyond repair, which is failure() in nghttp2's numbers.
  // What explains it waits to be sent.
  std::optional<size_t> feed(std::string_view bytes);
  int failure() const noexcept { return failure_; }

  // Writes frames until there are none, or `output` holds `high_water`. False: out of memory.
  bool send(Buffer& output, size_t high_water);

  nghttp2_session* raw() const noexcept { return session_.get(); }
  bool wants_nothing() const noexcept;  // neither to read nor to write: the connection is over

  // From now on the peer may send as many bytes ahead on the stream: more than so far.
  void set_stream_window(int32_t id, uint32_t bytes);
  // Nothing is being sent and nothing is expected soon: gives memory back that only traffic needs.
  void rest() noexcept;
  const SessionMemory& memory() const noexcept { return memory_; }

  // Tells the peer that it may send as many bytes more.
  void consumed_by_stream(int32_t id, size_t size);
  void consumed_by_connection(size_t size);
  void reset_stream(int32_t id, uint32_t error);

  // One of its events is on the stack: neither feed() nor send() may be called.
  bool busy() const noexcept { return busy_; }
  void terminate(uint32_t error);

 private:
  struct Delete {
    void operator()(nghttp2_session* session) const noexcept { nghttp2_session_del(session); }
  };
  struct Callbacks;

  Events& events_;
  SessionMemory memory_;
  std::unique_ptr<nghttp2_session, Delete> session_;
  Buffer* output_ = nullptr;  // during send()
  size_t high_water_ = 0;
  int failure_ = 0;
  bool busy_ = false;
  bool paused_ = false;  // an event said so during feed()
};

// The provider that reads from `source`, which outlives the message.
nghttp2_data_provider provider_of(BodySource& source);

}  // namespace onehop::http::h2
