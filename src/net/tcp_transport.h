// SPDX-License-Identifier: MIT
// A Transport over a TCP socket of libuv, or over a unix socket, which libuv reads and writes in
// the same way; what is of TCP alone is left out there.
//
// One read per connection and turn: after a read that filled the whole 64 KiB chunk, the next asks
// for memory and gets none until the next turn, so what was read is passed on while it is in the
// cache, and no busy peer starves the others. Whoever fills 64 KiB sends in bulk: its next read
// gets a larger chunk, which saves most of the system calls and wake-ups of a large body. While
// memory is short (EventLoop::read_little_beyond) a turn reads 16 KiB at most.
#pragma once

#include <sys/uio.h>

#include <span>

#include "onehop/base/recycled.h"
#include "onehop/net/dialer.h"
#include "onehop/net/event_loop.h"
#include "onehop/net/transport.h"
#include "uv.h"

namespace onehop::net {

class TcpTransport final : public Transport,
                           public Recycled<TcpTransport>,
                           public ListNode<Unwatched> {
 public:
  enum class Socket : uint8_t { tcp, local };  // local: a unix socket

  // Owns the socket from here on. The descriptor is non-blocking and connected. One of the next two
  // must follow, or nothing is ever read.
  static TransportPtr take_in(EventLoop& loop, int descriptor, Socket socket);

  // Hands the socket to libuv, which reads from it whenever something comes. Idempotent.
  void watch() noexcept;

  // Reads at once what came with the client, with nothing but the driver of the loop on the stack.
  // libuv gets the socket when more is awaited (set_awaited), when the peer does not take what is
  // sent, or a few milliseconds later: a connection that is answered and closed before never costs
  // the calls that make it known to the kernel's poll and forgotten again.
  void read_first();

  // Begins to connect; see Dialer.
  static Result<std::unique_ptr<Dial>, NetError> connect(EventLoop& loop, const Address& address,
                                                         Dial::Events& events);

  void flush() override;
  bool write_pending() const noexcept override { return writing_ != nullptr; }
  uint64_t taken_bytes() const noexcept override;
  void watch_peer(const Watch& watch) noexcept override;
  Peer peer() const noexcept override;
  Delivered delivered(uint64_t since) const noexcept override;
  Address local() const noexcept override;
  void acknowledge() noexcept override;
  void set_reading(bool wanted) noexcept override;
  void set_reads(Reads reads) noexcept override { reads_ = reads; }
  void set_awaited(bool awaited) noexcept override;
  void finish_writing() noexcept override;
  void close_with_reset() noexcept override { reset_on_close_ = true; }

 private:
  struct Write;
  class Connecting;
  explicit TcpTransport(EventLoop& loop) : Transport(loop), event_loop_(loop) {}
  friend class Recycled<TcpTransport>;

  void close() noexcept override;
  void write_rest();
  void fail_writing(int number);
  bool said_fin() const noexcept;
  ssize_t send_some(std::span<const iovec> slices, bool last);
  void shut_down();
  uv_stream_t* stream() const noexcept {
    return reinterpret_cast<uv_stream_t*>(const_cast<uv_tcp_t*>(&handle_));
  }

  size_t read_bytes() const noexcept;
  void on_allocate(uv_handle_t*, size_t, uv_buf_t* buffer);
  void on_read(uv_stream_t*, ssize_t size, const uv_buf_t*);
  void received(size_t size, size_t room);
  void ended(ssize_t status);
  void close_unwatched() noexcept;
  void on_written(Write& write, int status);
  void on_closed(uv_handle_t*) { delete this; }

  EventLoop& event_loop_;
  uv_tcp_t handle_;
  int descriptor_ = -1;  // the handle's; -1 while there is none
  // A write that waits for the peer; its bytes stay at the front of output_.
  Write* writing_ = nullptr;
  uint64_t filled_turn_ = 0;  // the turn in which a read filled its chunk
  Socket socket_ = Socket::tcp;
  Reads reads_ = Reads::freely;
  bool watched_ = true;  // libuv has the socket
  bool awaited_ = true;
  bool reading_ = false;
  bool bulk_ = false;          // the last read brought 64 KiB or more, or the first of much
  bool write_broken_ = false;  // writing failed: reading will say why
  bool fin_seen_ = false;      // the peer's
  bool error_read_ = false;    // the socket has said what broke it: its reads end from then on
  bool finish_wanted_ = false;
  bool finished_ = false;  // FIN was said
  bool reset_on_close_ = false;
};

}  // namespace onehop::net
