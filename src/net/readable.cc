// SPDX-License-Identifier: MIT
#include "onehop/net/readable.h"

#include "uv.h"

namespace onehop::net {
namespace {

class PolledReadable final : public Readable {
 public:
  PolledReadable(EventLoop& loop, int descriptor, Events& events)
      : events_(events), poll_(new Poll) {
    uv_poll_init(&loop.handles().loop, &poll_->handle, descriptor);
    poll_->handle.data = poll_;
    poll_->readable = this;
    uv_poll_start(&poll_->handle, UV_READABLE | UV_DISCONNECT, thunk<&Poll::on_readable>);
  }

  ~PolledReadable() override {
    poll_->readable = nullptr;
    uv_poll_stop(&poll_->handle);
    uv_close(reinterpret_cast<uv_handle_t*>(&poll_->handle), thunk<&Poll::on_closed>);
  }

 private:
  // Freed by its close callback, after the watch.
  struct Poll {
    uv_poll_t handle;
    PolledReadable* readable;
    void on_readable(uv_poll_t*, int, int) {
      if (readable != nullptr) readable->events_.on_readable(*readable);
    }
    void on_closed(uv_handle_t*) { delete this; }
  };

  Events& events_;
  Poll* poll_;
};

}  // namespace

std::unique_ptr<Readable> Readable::watch(EventLoop& loop, int descriptor, Events& events) {
  return std::make_unique<PolledReadable>(loop, descriptor, events);
}

}  // namespace onehop::net
