// SPDX-License-Identifier: MIT
// Whoever runs the proxy: what it is configured with, and how that changes in the middle of
// requests.
#pragma once

#include <memory>
#include <vector>

#include "tests/support/small_proxy.h"
#include "world.h"

namespace onehop::test {

class SimOperator {
 public:
  explicit SimOperator(World& world) : world_(world) {}

  // What the proxy begins with.
  config::Config begin();

  // Between two turns, as often as the weather says.
  enum class Act : uint8_t { nothing, change_endpoints, change_weights, reload };
  Act next();
  void act(Act what, SmallProxy& small);

  uint64_t changes() const { return changes_; }

 private:
  std::vector<config::Endpoint> any_endpoints(uint16_t first);
  void note_members(uint16_t first, const std::vector<config::Endpoint>& endpoints,
                    const std::vector<std::string>& drained);
  void change_endpoints(SmallProxy& small);
  void change_weights(SmallProxy& small);
  void reload(SmallProxy& small);

  World& world_;
  std::vector<config::Endpoint> first_;  // the endpoints that it began with
  uint64_t changes_ = 0;
};

}  // namespace onehop::test
