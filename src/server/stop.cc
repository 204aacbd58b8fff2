// SPDX-License-Identifier: MIT
#include "stop.h"

#include <fmt/format.h>

#include <utility>

#include "listeners.h"
#include "onehop/base/log.h"
#include "onehop/config/units.h"
#include "service_manager.h"
#include "workers.h"

namespace onehop::server {

void Stop::leave_to(int pid) {
  state_ = State::draining;
  left_to_another_ = true;
  log::info(fmt::format(
      "process {} serves from now on; draining: requests and tunnels in flight are finished", pid));
  workers_.drain();
}

void Stop::ask() {
  if (std::exchange(left_to_another_, false))
    return log::info("it drains already, as another process serves; a second signal ends it now");
  if (asked()) return now();
  delay_ms_ > 0 ? announce() : drain();
}

void Stop::announce() {
  state_ = State::announced;
  const std::string delay = config::duration_text(config::milliseconds(delay_ms_));
  log::info(
      fmt::format("not ready from now on; draining begins in {} (server.drain_delay)", delay));
  manager_.stopping(fmt::format("not ready, draining begins in {}", delay));
  loop_.arm(deadline_, delay_ms_);
}

void Stop::drain() {
  state_ = State::draining;
  log::info("draining: no new clients, requests in flight are finished");
  manager_.stopping("draining");
  listeners_.remove_files();
  workers_.drain();
}

void Stop::now() {
  state_ = State::draining;
  deadline_.disarm();
  log::info("stopping now");
  manager_.stopping("stopping now");
  listeners_.remove_files();
  workers_.stop_now();
}

}  // namespace onehop::server
