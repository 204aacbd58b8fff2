// SPDX-License-Identifier: MIT
// EventLoop: a Loop driven by libuv. Made, run and destroyed on one thread; post() and stop() may
// be called from any.
#pragma once

#include <functional>
#include <memory>

#include "onehop/base/address.h"
#include "onehop/net/dialer.h"
#include "onehop/net/loop.h"

namespace onehop::net {

class EventLoop final : public Loop, public Dialer {
 public:
  EventLoop();
  ~EventLoop() override;  // everything that was made on this loop is gone by then

  // Runs until stop(). Then everything that is still open on it may be destroyed, and the
  // destructor waits for the handles.
  void run();
  void stop();

  // Runs `task` on the loop's thread, soon. For set-up and control, not for the path of a request.
  void post(std::function<void()> task);

  uint64_t now_ns() const override;
  uint64_t now_ms() const override;
  Result<std::unique_ptr<Dial>, NetError> dial(const Address& address,
                                               Dial::Events& events) override;

  // While the buffers of the process (buffered_memory()) hold more than `bytes`, one read brings
  // 16 KiB at most, so that many peers for whom little is taken do not pin a large chunk each.
  // 0: however much they hold. Before run().
  void read_little_beyond(uint64_t bytes);

  // Calls `on_signal` on this loop whenever the signal arrives.
  void watch_signal(int signal, std::function<void()> on_signal);

  struct Handles;  // libuv's side; seen by net alone
  Handles& handles() { return *handles_; }

 private:
  void on_armed(uint64_t due_ms) override;
  std::unique_ptr<Handles> handles_;
};

// Looks a host name up, waiting for the answer; for start-up only. The first address of the answer.
Result<Address, std::string> resolve(const HostPort& name);

// Raises RLIMIT_NOFILE to its hard limit; returns the limit in force.
uint64_t raise_descriptor_limit();

}  // namespace onehop::net
