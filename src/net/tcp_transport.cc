// SPDX-License-Identifier: MIT
#include "tcp_transport.h"

#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "onehop/base/assert.h"
#include "unix_dial.h"

namespace onehop::net {
namespace {

constexpr size_t kTriedSlices = 16;  // slices of one attempt to write
constexpr size_t kQueuedSlices = 4;  // of a write in libuv's hands: up to four it does not allocate

}  // namespace

// A write in libuv's hands: outlives the transport's close by a little, because its callback comes
// with UV_ECANCELED then.
struct TcpTransport::Write : Recycled<Write> {
  uv_write_t request;
  TcpTransport* transport;
  size_t bytes;
  void on_done(uv_write_t*, int status) {
    if (transport != nullptr) transport->on_written(*this, status);
    delete this;
  }
};

// A dial. The request's callback always comes, also after the handle was closed; `dial` is null
// once nobody wants it.
class TcpTransport::Connecting final : public Dial {
 public:
  struct Request {
    uv_connect_t request;
    Connecting* dial;
    void on_done(uv_connect_t*, int status) {
      if (dial != nullptr) dial->on_done(status);
      delete this;
    }
  };

  Connecting(TransportPtr transport, Dial::Events& events)
      : transport_(std::move(transport)), events_(events) {}
  ~Connecting() override {
    if (request_ != nullptr) request_->dial = nullptr;
  }

  int start(const Address& address) {
    auto& transport = static_cast<TcpTransport&>(*transport_);
    auto request = std::make_unique<Request>();
    request->request.data = request.get();
    request->dial = this;
    const int status = uv_tcp_connect(&request->request, &transport.handle_, address.raw(),
                                      thunk<&Request::on_done>);
    if (status == 0) request_ = request.release();
    return status;
  }

 private:
  void on_done(int status) {
    request_ = nullptr;
    TransportPtr transport = std::move(transport_);
    // The receiver may destroy this object in the call.
    if (status < 0) {
      events_.on_dial_failed(NetError{-status});
    } else {
      events_.on_connected(std::move(transport));
    }
  }

  TransportPtr transport_;
  Dial::Events& events_;
  Request* request_ = nullptr;
};

TransportPtr TcpTransport::take_in(EventLoop& loop, int descriptor, Socket socket) {
  TransportPtr transport(new TcpTransport(loop));
  auto& tcp = static_cast<TcpTransport&>(*transport);
  ONEHOP_ASSERT(uv_tcp_init(&loop.handles().loop, &tcp.handle_) == 0);
  tcp.handle_.data = &tcp;
  tcp.descriptor_ = descriptor;
  tcp.socket_ = socket;
  tcp.watched_ = false;
  return transport;
}

// libuv refuses only what is no socket of ours alone.
void TcpTransport::watch() noexcept {
  if (std::exchange(watched_, true)) return;
  ListNode<Unwatched>::unlink();
  ONEHOP_ASSERT(uv_tcp_open(&handle_, descriptor_) == 0);
  if (std::exchange(reading_, false)) set_reading(true);
}

void TcpTransport::read_first() {
  if (events_ != nullptr && reading_) {
    Chunk* const chunk = event_loop_.handles().read_chunk(read_bytes());
    const ssize_t size = ::recv(descriptor_, chunk->bytes(), chunk->capacity, 0);
    if (size > 0) {
      received(static_cast<size_t>(size), chunk->capacity);
    } else if (size == 0) {
      ended(UV_EOF);
    } else if (errno != EAGAIN && errno != EINTR) {
      ended(-errno);
    }
  }
  if (uv_is_closing(reinterpret_cast<const uv_handle_t*>(&handle_)) != 0) return;
  awaited_ ? watch() : event_loop_.handles().leave_unwatched(*this);
}

void TcpTransport::set_awaited(bool awaited) noexcept {
  awaited_ = awaited;
  if (awaited && ListNode<Unwatched>::linked()) watch();
}

Result<std::unique_ptr<Dial>, NetError> TcpTransport::connect(EventLoop& loop,
                                                              const Address& address,
                                                              Dial::Events& events) {
  TransportPtr transport(new TcpTransport(loop));
  auto& tcp = static_cast<TcpTransport&>(*transport);
  const int family = address.raw()->sa_family;
  int status = uv_tcp_init_ex(&loop.handles().loop, &tcp.handle_, static_cast<unsigned>(family));
  if (status < 0) {
    // The handle was not made (no descriptor); make an empty one so that there is one way to close.
    ONEHOP_ASSERT(uv_tcp_init(&loop.handles().loop, &tcp.handle_) == 0);
    tcp.handle_.data = &tcp;
    return Unexpected<NetError>(NetError{-status});
  }
  tcp.handle_.data = &tcp;
  uv_fileno(reinterpret_cast<uv_handle_t*>(&tcp.handle_), &tcp.descriptor_);
  uv_tcp_nodelay(&tcp.handle_, 1);
  auto dial = std::make_unique<Connecting>(std::move(transport), events);
  status = dial->start(address);
  if (status < 0) return Unexpected<NetError>(NetError{-status});
  return std::unique_ptr<Dial>(std::move(dial));
}

Result<std::unique_ptr<Dial>, NetError> EventLoop::dial(const Address& address,
                                                        Dial::Events& events) {
  if (address.is_unix()) return dial_unix(*this, address, events);
  return TcpTransport::connect(*this, address, events);
}

void TcpTransport::close() noexcept {
  events_ = nullptr;
  Dirty::unlink();
  output_.clear();
  if (!watched_) close_unwatched();
  if (writing_ != nullptr) writing_->transport = nullptr;
  auto* handle = reinterpret_cast<uv_handle_t*>(&handle_);
  const auto closed = thunk<&TcpTransport::on_closed>;
  if (reset_on_close_ && uv_tcp_close_reset(&handle_, closed) == 0) return;
  uv_close(handle, closed);
}

// libuv then closes a handle without a socket.
void TcpTransport::close_unwatched() noexcept {
  ListNode<Unwatched>::unlink();
  const linger no_linger{1, 0};
  if (std::exchange(reset_on_close_, false))
    ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &no_linger, sizeof no_linger);
  ::close(descriptor_);
}

// What libuv has in its hands counts as written when all of it is.
uint64_t TcpTransport::taken_bytes() const noexcept {
  int unacknowledged = 0;
  if (::ioctl(descriptor_, SIOCOUTQ, &unacknowledged) != 0) unacknowledged = 0;
  const uint64_t handed_over = written_ + (writing_ != nullptr ? writing_->bytes : 0);
  const uint64_t untaken =
      uv_stream_get_write_queue_size(stream()) + static_cast<uint64_t>(unacknowledged);
  return handed_over > untaken ? handed_over - untaken : 0;
}

Address TcpTransport::local() const noexcept {
  if (socket_ == Socket::local) return {};
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  auto* const raw = reinterpret_cast<sockaddr*>(&bound);
  return ::getsockname(descriptor_, raw, &size) == 0 ? Address::from(raw) : Address();
}

void TcpTransport::acknowledge() noexcept {
  if (socket_ == Socket::local) return;
  const int on = 1;
  ::setsockopt(descriptor_, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

void TcpTransport::set_reading(bool wanted) noexcept {
  if (write_broken_) wanted = true;  // or its end would never be seen
  if (wanted == reading_) return;
  reading_ = wanted;
  if (!watched_) return;
  if (wanted) {
    uv_read_start(stream(), thunk<&TcpTransport::on_allocate>, thunk<&TcpTransport::on_read>);
  } else {
    uv_read_stop(stream());
  }
}

void TcpTransport::on_allocate(uv_handle_t*, size_t, uv_buf_t* buffer) {
  if (filled_turn_ == loop_.turn()) {
    *buffer = uv_buf_init(nullptr, 0);
    return;
  }
  Chunk* chunk = event_loop_.handles().read_chunk(read_bytes());
  *buffer = uv_buf_init(chunk->bytes(), chunk->capacity);
}

size_t TcpTransport::read_bytes() const noexcept {
  if (reads_ == Reads::sparingly) return kSmallChunkBytes;
  if (reads_ == Reads::modestly) return kMediumChunkBytes;
  return bulk_ ? kBulkChunkBytes : kLargeChunkBytes;
}

void TcpTransport::on_read(uv_stream_t*, ssize_t size, const uv_buf_t* buffer) {
  if (size == 0 || size == UV_ENOBUFS || events_ == nullptr) return;
  if (size > 0) return received(static_cast<size_t>(size), buffer->len);
  ended(size);
}

// `size` bytes have come into the chunk that was read to, which had room for `room`.
void TcpTransport::received(size_t size, size_t room) {
  const bool filled = size == room;
  const bool bulk = size >= kLargeChunkBytes;
  bulk_ = bulk || (filled && size == kMediumChunkBytes);
  if (received_ != nullptr) received_->add(size);
  Buffer bytes;
  bytes.append_slice(event_loop_.handles().reading, 0, size);
  events_->on_bytes(bytes);
  // A medium one that was filled is followed by another at once, which brings the rest, or much,
  // where the receiver now wants much and there is memory for it.
  const bool much_may_follow = size == kMediumChunkBytes && reads_ == Reads::freely &&
                               !event_loop_.handles().memory_is_short();
  if (filled && !much_may_follow) filled_turn_ = loop_.turn();
  // Bulk goes on at once: with many such connections in a turn, it would be out of the processor's
  // cache when the turn ends.
  if (bulk) loop_.flush_dirty();
}

void TcpTransport::ended(ssize_t status) {
  reading_ = false;
  if (watched_) uv_read_stop(stream());
  if (status == UV_EOF && !write_broken_) {
    fin_seen_ = true;
    events_->on_end();
  } else {
    error_read_ = true;
    const int number = status == UV_EOF ? EPIPE : static_cast<int>(-status);
    std::exchange(events_, nullptr)->on_error(NetError{number});
  }
}

// Sends at once; send() and sendmsg() cost less than the write() and writev() of libuv, which go
// through the file layer. Nothing is queued in libuv here, so the order of bytes is safe. The last
// bytes before a FIN wait in the kernel for it (MSG_MORE), and leave in one segment with it.
ssize_t TcpTransport::send_some(std::span<const iovec> slices, bool last) {
  const int flags = MSG_DONTWAIT | MSG_NOSIGNAL | (last ? MSG_MORE : 0);
  ssize_t sent = 0;
  do {
    if (slices.size() == 1) {
      sent = ::send(descriptor_, slices[0].iov_base, slices[0].iov_len, flags);
    } else {
      msghdr message{};
      message.msg_iov = const_cast<iovec*>(slices.data());
      message.msg_iovlen = slices.size();
      sent = ::sendmsg(descriptor_, &message, flags);
    }
  } while (sent < 0 && errno == EINTR);
  return sent;
}

void TcpTransport::flush() {
  if (write_broken_ || writing_ != nullptr) return;
  while (!output_.empty()) {
    std::array<iovec, kTriedSlices> slices;
    const size_t count = output_.gather(slices);
    size_t bytes = 0;
    for (size_t i = 0; i < count; ++i) bytes += slices[i].iov_len;
    const bool last = finish_wanted_ && bytes == output_.size();
    const ssize_t sent = send_some(std::span(slices).first(count), last);
    if (sent < 0 && errno != EAGAIN) return fail_writing(errno);
    const auto size = static_cast<size_t>(std::max<ssize_t>(sent, 0));
    output_.consume(size);
    written_ += size;
    if (sent_ != nullptr) sent_->add(size);
    if (size < bytes) return write_rest();
  }
  if (events_ != nullptr) events_->on_flush(Flushed::all);
  // Whoever closed it in that call has said FIN by it; what was added in it leaves first.
  if (finish_wanted_ && events_ != nullptr && output_.empty()) shut_down();
}

// The kernel's buffer is full: libuv waits until the peer takes something. The bytes stay in
// output_, which may grow meanwhile.
void TcpTransport::write_rest() {
  watch();
  auto* write = new Write;
  write->request.data = write;
  write->transport = this;
  std::array<iovec, kQueuedSlices> slices;
  std::array<uv_buf_t, kQueuedSlices> described;
  const size_t count = output_.gather(slices);
  write->bytes = 0;
  for (size_t i = 0; i < count; ++i) {
    described[i] = uv_buf_init(static_cast<char*>(slices[i].iov_base),
                               static_cast<unsigned>(slices[i].iov_len));
    write->bytes += slices[i].iov_len;
  }
  writing_ = write;
  const int status = uv_write(&write->request, stream(), described.data(),
                              static_cast<unsigned>(count), thunk<&Write::on_done>);
  if (status < 0) {
    writing_ = nullptr;
    delete write;
    return fail_writing(-status);
  }
  if (events_ != nullptr) events_->on_flush(Flushed::some);
}

void TcpTransport::on_written(Write& write, int status) {
  writing_ = nullptr;
  written_ += write.bytes;  // also when it failed: some of them may have left
  if (status < 0) return fail_writing(-status);
  output_.consume(write.bytes);
  if (sent_ != nullptr) sent_->add(write.bytes);
  // The rest, and the news, at the end of this turn.
  loop_.mark_dirty(*this);
}

// A peer that reset the connection, or closed it with our bytes unread, may have answered before:
// what it sent is read first, and reading then ends with the error. A reset is EPIPE where the
// peer's FIN came before it, and ECONNRESET elsewhere.
void TcpTransport::fail_writing(int number) {
  fin_seen_ = fin_seen_ || (number == EPIPE && !finished_ && !error_read_);
  write_broken_ = error_read_ = true;
  output_.clear();
  watch();
  set_reading(true);
}

void TcpTransport::finish_writing() noexcept {
  if (finished_ || finish_wanted_) return;
  finish_wanted_ = true;
  loop_.mark_dirty(*this);
}

void TcpTransport::shut_down() {
  finish_wanted_ = false;
  finished_ = true;
  // uv_shutdown would need a request that outlives the transport; nothing is queued here, so the
  // plain call is right.
  ::shutdown(descriptor_, SHUT_WR);
}

}  // namespace onehop::net
