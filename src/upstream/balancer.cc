// SPDX-License-Identifier: MIT
#include "onehop/upstream/balancer.h"

#include "least_requests.h"
#include "maglev.h"
#include "peak_ewma.h"
#include "random_two.h"
#include "ring_hash.h"
#include "round_robin.h"

namespace onehop::upstream {

std::unique_ptr<Balancer> make_balancer(const Balancing& balancing) {
  switch (balancing.algorithm) {
    case config::Balance::round_robin:
      return std::make_unique<RoundRobin>();
    case config::Balance::least_requests:
      return std::make_unique<LeastRequests>();
    case config::Balance::random_two:
      return std::make_unique<RandomTwo>(balancing.seed);
    case config::Balance::peak_ewma:
      return std::make_unique<PeakEwma>(balancing.seed);
    case config::Balance::ring_hash:
      return std::make_unique<RingHash>(balancing);
    case config::Balance::maglev:
      return std::make_unique<Maglev>(balancing);
  }
  return nullptr;
}

}  // namespace onehop::upstream
