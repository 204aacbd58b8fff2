// SPDX-License-Identifier: MIT
// What a run of bench_load is asked to do. Plain values, checked by load.cc before anything begins.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>

#include "onehop/base/address.h"

namespace onehop::bench {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kNewConnections = 0;  // for Options::pool_size

struct Options {
  Address to;
  std::string host;    // the same as text, for the Host field
  double rate = 1000;  // requests per second
  double seconds = 5;
  std::size_t pool_size = kNewConnections;  // keep-alive connections at most
  std::chrono::milliseconds timeout{10'000};

  [[nodiscard]] bool keep_alive() const { return pool_size != kNewConnections; }
  [[nodiscard]] std::size_t most_connections() const {
    return keep_alive() ? pool_size : std::numeric_limits<std::size_t>::max();
  }
};

}  // namespace onehop::bench
