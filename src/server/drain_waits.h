// SPDX-License-Identifier: MIT
// DrainWaits: whoever drains an endpoint and wants to know when it has no request any more.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "endpoint_sets.h"
#include "onehop/net/loop.h"

namespace onehop::server {

// Of the main thread; what is given outlives it.
class DrainWaits {
 public:
  // `settled` calls `then` once every worker has what it was told before: until then one may give a
  // request to an endpoint that is drained.
  using Settled = std::function<void(std::function<void()> then)>;
  DrainWaits(net::Loop& loop, const EndpointSets& endpoints, Settled settled)
      : loop_(loop), endpoints_(endpoints), settled_(std::move(settled)) {}

  // `told` is called later with the requests that the endpoint has left: 0, or after `patience_ms`
  // how many there are. It may leave its set meanwhile.
  using Told = std::function<void(int64_t in_flight)>;
  void wait(const std::string& upstream, const std::string& address, uint64_t patience_ms,
            Told told);

 private:
  static constexpr uint64_t kLookMs = 20;

  struct Wait {
    upstream::SpecRef endpoint;
    uint64_t until_ms;
    Told told;
  };
  void look();

  net::Loop& loop_;
  const EndpointSets& endpoints_;
  Settled settled_;
  std::vector<Wait> waits_;
  net::Deadline deadline_{this, net::DeadlineThunk<&DrainWaits::look>::call};
};

}  // namespace onehop::server
