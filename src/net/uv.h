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

struct EventLoop::Handles {
  explicit Handles(EventLoop& owner);
  ~Handles();

  void on_prepare(uv_prepare_t*);
  void on_timer(uv_timer_t*);
  void on_posted(uv_async_t*);
  void take_posted();

  // The chunk that the next read goes to. Stays the same as long as nobody keeps a slice of it.
  // `bulk`: a large one is wanted, and given as long as the turn and the memory allow it.
  Chunk* read_chunk(bool bulk);
  bool may_read_bulk();
  void release_chunks();

  EventLoop& owner;
  uv_loop_t loop;
  uv_prepare_t prepare;
  uv_timer_t timer;
  uv_async_t posted;
  uint64_t timer_due_ms = UINT64_MAX;
  Chunk* reading = nullptr;  // what read_chunk returned last; one of the two below
  Chunk* large_chunk = nullptr;
  Chunk* bulk_chunk = nullptr;
  uint64_t bulk_turn = 0;  // the turn in which the bulk reads below were made
  unsigned bulk_reads = 0;

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
