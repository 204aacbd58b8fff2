// SPDX-License-Identifier: MIT
#include "onehop/telemetry/shard.h"

#include <utility>

#include "onehop/base/assert.h"

namespace onehop::telemetry {

Telemetry::Telemetry(std::vector<EndpointName> endpoints, std::vector<OutcomeName> outcomes,
                     size_t workers, std::vector<std::string> listeners,
                     std::vector<std::string> routes)
    : endpoints_(std::move(endpoints)),
      listeners_(std::move(listeners)),
      outcomes_(std::move(outcomes)),
      routes_(std::move(routes)) {
  ONEHOP_ASSERT(outcomes_.size() <= kMaxOutcomes);
  for (size_t i = 0; i < workers; ++i) {
    shards_.push_back(
        std::make_unique<Shard>(listeners_.size(), endpoints_.size(), routes_.size()));
  }
  routes_.insert(routes_.begin(), std::string());
}

}  // namespace onehop::telemetry
