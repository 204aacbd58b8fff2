// SPDX-License-Identifier: MIT
// Endurance: how many requests an endpoint takes on one connection of HTTP/2 before it ends it and
// turns away what is on its way by then. Nobody says so beforehand (nginx: keepalive_requests), so
// it is learnt from the last connection that ended that way, and doubted as soon as one held out.
#pragma once

#include <algorithm>
#include <cstdint>

namespace onehop::upstream {

class Endurance {
 public:
  // No connection is given more.
  uint64_t requests() const noexcept { return most_; }

  // A connection took so many and turned others away.
  void ended_after(uint64_t served) noexcept { most_ = std::max<uint64_t>(served, 1); }

  // A connection was given so many and turned nobody away.
  void held(uint64_t requests) noexcept {
    if (requests >= most_) most_ = most_ > UINT64_MAX / 2 ? UINT64_MAX : most_ * 2;
  }

 private:
  uint64_t most_ = UINT64_MAX;
};

}  // namespace onehop::upstream
