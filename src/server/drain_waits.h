// SPDX-License-Identifier: MIT
// DrainWaits: whoever drains an endpoint and wants to know when it has no request any more.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "endpoint_sets.h"
#include "onehop/net/loop.h"

namespace onehop::server {

// Of the main thread; what is given outlives it.
class DrainWaits {
 public:
  DrainWaits(net::Loop& loop, const EndpointSets& endpoints) : loop_(loop), endpoints_(endpoints) {}

  // `told` is called, now or later, with the requests that the endpoint has left: 0, or after
  // `patience_ms` how many there are.
  using Told = std::function<void(int64_t in_flight)>;
  void wait(const std::string& upstream, const std::string& address, uint64_t patience_ms,
            Told told);

 private:
  static constexpr uint64_t kLookMs = 20;

  struct Wait {
    std::string upstream;
    std::string address;
    uint64_t until_ms;
    Told told;
  };
  void look();

  net::Loop& loop_;
  const EndpointSets& endpoints_;
  std::vector<Wait> waits_;
  net::Deadline deadline_{this, net::DeadlineThunk<&DrainWaits::look>::call};
};

}  // namespace onehop::server
