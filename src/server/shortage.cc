// SPDX-License-Identifier: MIT
#include "shortage.h"

#include <fmt/format.h>

#include <utility>

#include "onehop/base/log.h"
#include "onehop/config/units.h"

namespace onehop::server {

Shortage::Shortage(const telemetry::Telemetry& telemetry, std::function<void(size_t)> ask)
    : telemetry_(telemetry), ask_(std::move(ask)) {}

void Shortage::use(Limits limits) {
  const std::lock_guard lock(mutex_);
  limits_ = limits;
}

void Shortage::limit_reached(uint64_t now_ms, Came came) {
  const std::lock_guard lock(mutex_);
  ++(came == Came::in ? limit_untold_.closed : limit_untold_.waited);
  say_limit(now_ms);
}

void Shortage::descriptors_ran_out(uint64_t now_ms, size_t worker, net::NetError error, Made made) {
  bool ask = false;
  {
    const std::lock_guard lock(mutex_);
    error_ = error;
    const bool nothing = made.clients_closed + made.upstream_closed == 0;
    descriptors_untold_.closed += made.clients_closed;
    descriptors_untold_.upstream_closed += made.upstream_closed;
    descriptors_untold_.waited += nothing;
    say_descriptors(now_ms);
    if (nothing && now_ms >= ask_again_ms_) {
      ask = true;
      ask_again_ms_ = now_ms + kAskEveryMs;
    }
  }
  if (ask) ask_(worker);
}

void Shortage::say_rest(uint64_t now_ms) {
  const std::lock_guard lock(mutex_);
  say_limit(now_ms);
  say_descriptors(now_ms);
  say_memory(now_ms);
}

void Shortage::say_limit(uint64_t now_ms) {
  Untold& untold = limit_untold_;
  if (untold.nothing() || now_ms < untold.again_ms) return;
  log::warning(
      fmt::format("the limit of {} client connections (server.limits.connections) is reached; "
                  "waiting ones closed for new ones: {}, times that new ones had to wait: {}",
                  limits_.connections, untold.closed, untold.waited));
  untold = {.again_ms = now_ms + kLogEveryMs};
}

void Shortage::say_descriptors(uint64_t now_ms) {
  Untold& untold = descriptors_untold_;
  if (untold.nothing() || now_ms < untold.again_ms) return;
  log::warning(fmt::format(
      "{}; closed to make room: {} client connections that waited, {} idle upstream connections; "
      "times that there was nothing to close: {}",
      error_.sentence(), untold.closed, untold.upstream_closed, untold.waited));
  untold = {.again_ms = now_ms + kLogEveryMs};
}

void Shortage::say_memory(uint64_t now_ms) {
  uint64_t given_up = 0;
  for (size_t i = 0; i < telemetry_.worker_count(); ++i)
    given_up += telemetry_.shard(i).downstream.stalled_given_up.value();
  if (given_up == given_up_said_ || now_ms < memory_again_ms_) return;
  log::warning(fmt::format(
      "all buffers together held more than the {} of server.limits.buffered; given up for it: {} "
      "clients that did not take their responses, or whose requests were not taken (outcome "
      "client_shed)",
      config::size_text(limits_.buffered), given_up - given_up_said_));
  given_up_said_ = given_up;
  memory_again_ms_ = now_ms + kLogEveryMs;
}

}  // namespace onehop::server
