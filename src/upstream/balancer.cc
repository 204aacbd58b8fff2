// SPDX-License-Identifier: MIT
#include "onehop/upstream/balancer.h"

#include "least_requests.h"
#include "round_robin.h"

namespace onehop::upstream {

std::unique_ptr<Balancer> make_balancer(config::Balance algorithm) {
  switch (algorithm) {
    case config::Balance::round_robin:
      return std::make_unique<RoundRobin>();
    case config::Balance::least_requests:
      return std::make_unique<LeastRequests>();
  }
  return nullptr;
}

}  // namespace onehop::upstream
