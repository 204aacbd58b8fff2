// SPDX-License-Identifier: MIT
// The private door to libuv: the handles behind an EventLoop, and the one template that turns a
// libuv callback into a member call.
#pragma once

#include <uv.h>

#include <functional>
#include <mutex>
#include <vector>

#include "onehop/base/buffer.h"
#include "onehop/net/event_loop.h"

namespace onehop::net {

// thunk<&T::method> is a libuv callback for a handle or request whose `data` is a T*. It is
// noexcept: an exception that slips through ends the process here rather than unwinding C frames.
template <auto method>
struct Thunk;
template <class T, class Handle, class... Args, void (T::*method)(Handle*, Args...)>
struct Thunk<method> {
  static void call(Handle* handle, Args... args) noexcept {
    (static_cast<T*>(handle->data)->*method)(handle, args...);
  }
};
template <auto method>
constexpr auto thunk = &Thunk<method>::call;

class TcpTransport;
struct Unwatched;  // the tag of a list of transports whose sockets libuv does not have yet

struct EventLoop::Handles {
  explicit Handles(EventLoop& owner);
  ~Handles();

  void on_prepare(uv_prepare_t*);
  void on_idle(uv_idle_t*);
  void on_timer(uv_timer_t*);
  void on_posted(uv_async_t*);
  void take_posted();

  // The chunk that the next read goes to. Stays the same as long as nobody keeps a slice of it.
  // `size` is one of the sizes of chunks; one beyond 16 KiB is given as long as the memory allows
  // it, and a bulk one as long as the turn does too.
  Chunk* read_chunk(size_t size);
  bool memory_is_short() const noexcept {
    return short_beyond != 0 && buffered_memory() > short_beyond;
  }
  bool may_read_bulk();
  void release_chunks();

  // A transport whose client is not expected to say anything. It is watched nevertheless when it is
  // still there a while later, so that its end is seen.
  void leave_unwatched(TcpTransport& transport);
  void on_unwatched() { owner.mark_dirty(watch); }
  void watch_unwatched();

  EventLoop& owner;
  uv_loop_t loop;
  uv_prepare_t prepare;
  uv_idle_t idle;  // active while the next turn has work, so that the loop does not sleep before it
  uv_timer_t timer;
  uv_async_t posted;
  uint64_t timer_due_ms = UINT64_MAX;
  Chunk* reading = nullptr;  // what read_chunk returned last; one of those below
  Chunk* small_chunk = nullptr;
  Chunk* medium_chunk = nullptr;
  Chunk* large_chunk = nullptr;
  Chunk* bulk_chunk = nullptr;  // within a turn
  uint64_t short_beyond = 0;    // bytes of all buffers; 0: memory is never short
  uint64_t bulk_turn = 0;       // the turn in which the bulk reads below were made
  unsigned bulk_reads = 0;

  // Those that came since the deadline was armed, and those that were there before.
  IntrusiveList<TcpTransport, Unwatched> unwatched;
  IntrusiveList<TcpTransport, Unwatched> unwatched_longer;
  Deadline unwatched_for{this, DeadlineThunk<&Handles::on_unwatched>::call};
  // Behind what this turn has to write, as the last of it may end such a connection.
  struct Watch final : Dirty {
    explicit Watch(Handles& handles) : handles_(handles) {}
    void flush() override { handles_.watch_unwatched(); }
    Handles& handles_;
  } watch{*this};

  std::mutex mutex;  // guards `tasks`
  std::vector<std::function<void()>> tasks;

  struct Signal {
    uv_signal_t handle;
    std::function<void()> callback;
    void on_signal(uv_signal_t*, int) { callback(); }
  };
  std::vector<std::unique_ptr<Signal>> signals;
};

}  // namespace onehop::net
