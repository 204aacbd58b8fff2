// SPDX-License-Identifier: MIT
#include "maglev.h"

#include <algorithm>

namespace onehop::upstream {
namespace {

// Whose turn it is: places are taken at even distances, the more the greater the weight.
struct Turn {
  double at;
  double every;
  uint32_t rank;
  uint32_t place;
  uint32_t next;  // in its permutation
  uint32_t step;
};

bool later(const Turn& one, const Turn& other) {
  return one.at != other.at ? one.at > other.at : one.rank > other.rank;
}

}  // namespace

void Maglev::build(std::span<const Placed> placed) {
  constexpr uint32_t kNobody = UINT32_MAX;
  table_.assign(placed.empty() ? 0 : kSize, kNobody);
  std::vector<Turn> turns;
  for (const Placed& one : placed) {
    const double every = 1.0 / one.weight;
    turns.push_back({.at = every,
                     .every = every,
                     .rank = static_cast<uint32_t>(turns.size()),
                     .place = one.place,
                     .next = static_cast<uint32_t>(mixed(one.key) % kSize),
                     .step = static_cast<uint32_t>(mixed(one.key + 1) % (kSize - 1)) + 1});
  }
  std::ranges::make_heap(turns, later);
  for (size_t filled = 0; filled < table_.size(); ++filled) {
    std::ranges::pop_heap(turns, later);
    Turn& turn = turns.back();
    while (table_[turn.next] != kNobody) turn.next = (turn.next + turn.step) % kSize;
    table_[turn.next] = turn.place;
    turn.at += turn.every;
    std::ranges::push_heap(turns, later);
  }
}

std::optional<size_t> Maglev::pick(std::span<const Candidate> candidates, const PickBy& by) {
  if (!by.hash.has_value()) return pick_without_key(candidates, by);
  size_t at = *by.hash % kSize;
  return first_that_takes(candidates, *by.hash, table_.size(), [&](size_t) {
    if (at == kSize) at = 0;
    return static_cast<size_t>(table_[at++]);
  });
}

}  // namespace onehop::upstream
