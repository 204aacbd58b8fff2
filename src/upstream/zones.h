// SPDX-License-Identifier: MIT
// Zones: requests stay in the zone that onehop is in, where a way is short and costs nothing, for
// as long as enough of its endpoints can be had there: `zone_spill_below` per cent of their weight.
// With less they would get more than they are made for, so all zones are used then, each endpoint
// by its weight. An endpoint of which nobody says where it is, is elsewhere.
//
// Nothing is done, and nothing read, while no endpoint is in onehop's zone, or all are.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "onehop/upstream/balancer.h"

namespace onehop::upstream {

class Zones {
 public:
  // Before the next rebuild().
  void configure(std::string_view own, uint32_t spill_below_percent) {
    own_ = own;
    spill_below_percent_ = spill_below_percent;
  }

  // The zones of new candidates, which are all none of Candidate::elsewhere.
  void rebuild(std::span<const std::string_view> zones);

  // Brings Candidate::elsewhere up to date: after all else that rules candidates out.
  void apply(std::span<Candidate> candidates) const {
    if (!away_.empty()) update(candidates);
  }

 private:
  void update(std::span<Candidate> candidates) const;

  std::string own_;  // "": none
  uint32_t spill_below_percent_ = 0;
  std::vector<size_t> here_;
  std::vector<size_t> away_;  // empty also where there is nothing to choose
};

}  // namespace onehop::upstream
