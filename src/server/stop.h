// SPDX-License-Identifier: MIT
// Stop: how a server leaves. It is asked once: not ready any more, then, after the delay, draining.
// Asked again, at any of these, it gives up what is in flight.
//
//   running -> announced -> draining -> (the last worker is done)
//      |           |            |
//      |           +------------+----> at once
//      +-> draining                    without a delay
#pragma once

#include <cstdint>

#include "onehop/net/loop.h"

namespace onehop::server {

class Listeners;
class ServiceManager;
class Workers;

// Of the main loop's thread; all that it refers to outlives it.
class Stop {
 public:
  Stop(net::Loop& loop, const ServiceManager& manager, Listeners& listeners, Workers& workers)
      : loop_(loop), manager_(manager), listeners_(listeners), workers_(workers) {}

  // For so long it goes on as before, but for /readyz, so that whoever sends it clients can take
  // notice; server.drain_delay. Before it is asked.
  void use_delay(uint64_t delay_ms) { delay_ms_ = delay_ms; }

  void ask();
  // Another process goes on in its place: it drains, without a delay.
  void give_way() {
    if (!asked()) drain();
  }
  // Another process serves in its place: it drains, without a delay and without a word to the
  // manager, whose the other one is now. Who asks it to stop then is told that it does already.
  void leave_to(int pid);
  bool asked() const noexcept { return state_ != State::running; }

 private:
  enum class State : uint8_t { running, announced, draining };
  void announce();
  void drain();
  void now();

  net::Loop& loop_;
  const ServiceManager& manager_;
  Listeners& listeners_;
  Workers& workers_;
  uint64_t delay_ms_ = 0;
  State state_ = State::running;
  bool left_to_another_ = false;  // and nobody has asked since
  net::Deadline deadline_{this, net::DeadlineThunk<&Stop::drain>::call};
};

}  // namespace onehop::server
