// SPDX-License-Identifier: MIT
#include "zones.h"

namespace onehop::upstream {

void Zones::rebuild(std::span<const std::string_view> zones) {
  here_.clear();
  away_.clear();
  if (own_.empty()) return;
  for (size_t i = 0; i < zones.size(); ++i) (zones[i] == own_ ? here_ : away_).push_back(i);
  if (here_.empty()) away_.clear();
}

// By the weights of this moment: what is warming is not all there yet.
void Zones::update(std::span<Candidate> candidates) const {
  uint64_t all = 0;
  uint64_t left = 0;
  for (const size_t place : here_) {
    all += candidates[place].weight;
    if (!candidates[place].excluded) left += candidates[place].weight;
  }
  const bool enough = left > 0 && left * 100 >= all * spill_below_percent_;
  for (const size_t place : away_) candidates[place].elsewhere = enough;
}

}  // namespace onehop::upstream
