// SPDX-License-Identifier: MIT
// A Transport over a TCP socket of libuv.
//
// One read per connection and turn: after a read that filled the whole 64 KiB chunk, the next asks
// for memory and gets none until the next turn, so what was read is passed on while it is in the
// cache, and no busy peer starves the others. Whoever fills 64 KiB sends in bulk: its next read
// gets a larger chunk, which saves most of the system calls and wake-ups of a large body.
#pragma once

#include <sys/uio.h>

#include <span>

#include "onehop/base/recycled.h"
#include "onehop/net/dialer.h"
#include "onehop/net/event_loop.h"
#include "onehop/net/transport.h"
#include "uv.h"

namespace onehop::net {

class TcpTransport final : public Transport, public Recycled<TcpTransport> {
 public:
  // Owns the socket from here on, whatever happens. The descriptor is non-blocking and connected.
  static Result<TransportPtr, NetError> adopt(EventLoop& loop, int descriptor);

  // Begins to connect; see Dialer.
  static Result<std::unique_ptr<Dial>, NetError> connect(EventLoop& loop, const Address& address,
                                                         Dial::Events& events);

  void flush() override;
  bool write_pending() const noexcept override { return writing_ != nullptr; }
  size_t untaken_bytes() const noexcept override;
  void acknowledge() noexcept override;
  void set_reading(bool wanted) noexcept override;
  void finish_writing() noexcept override;
  void close_with_reset() noexcept override { reset_on_close_ = true; }

 private:
  struct Write;
  class Connecting;
  explicit TcpTransport(EventLoop& loop) : Transport(loop), event_loop_(loop) {}
  friend class Recycled<TcpTransport>;

  void close() noexcept override;
  void write_rest();
  void fail_writing();
  ssize_t send_some(std::span<const iovec> slices, bool last);
  void shut_down();
  uv_stream_t* stream() const noexcept {
    return reinterpret_cast<uv_stream_t*>(const_cast<uv_tcp_t*>(&handle_));
  }

  void on_allocate(uv_handle_t*, size_t, uv_buf_t* buffer);
  void on_read(uv_stream_t*, ssize_t size, const uv_buf_t*);
  void on_written(Write& write, int status);
  void on_closed(uv_handle_t*) { delete this; }

  EventLoop& event_loop_;
  uv_tcp_t handle_;
  int descriptor_ = -1;  // the handle's; -1 while there is none
  Write* writing_ =
      nullptr;  // a write that waits for the peer; its bytes stay at the front of output_
  uint64_t filled_turn_ = 0;  // the turn in which a read filled its chunk
  bool reading_ = false;
  bool bulk_ = false;          // the last read brought 64 KiB or more
  bool write_broken_ = false;  // writing failed: reading will say why
  bool finish_wanted_ = false;
  bool finished_ = false;  // FIN was said
  bool reset_on_close_ = false;
};

}  // namespace onehop::net
