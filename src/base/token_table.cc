// SPDX-License-Identifier: MIT
#include "onehop/base/token_table.h"

#include <algorithm>

namespace onehop {
namespace {

__extension__ using Wide = unsigned __int128;

// Parts of a microsecond's length where a token takes longer than a millisecond, and shorter ones
// else; few enough that the largest burst is no more than a quarter of what a word can tell.
constexpr uint64_t kLeastParts = 1024;
constexpr uint64_t kMostParts = uint64_t{1} << 22;
static_assert(Wide{TokenTable::kMostTokens} * kMostParts <= (KeyTable::kValueMask + 1) / 4);

}  // namespace

TokenTable::TokenTable(uint64_t bytes, uint64_t tokens, uint64_t per_ns)
    : table_(bytes),
      per_ns_(per_ns),
      parts_(std::clamp((per_ns / 1000 + tokens - 1) / tokens, kLeastParts, kMostParts)),
      parts_per_per_(parts_ * tokens) {}

uint64_t TokenTable::units(uint64_t ns) const noexcept {
  return static_cast<uint64_t>(Wide{ns} * parts_per_per_ / per_ns_) & KeyTable::kValueMask;
}

uint64_t TokenTable::ns_of(uint64_t units) const noexcept {
  return static_cast<uint64_t>((Wide{units} * per_ns_ + parts_per_per_ - 1) / parts_per_per_);
}

TokenTable::Taken TokenTable::take(uint64_t hash, uint64_t burst, uint64_t now_ns) noexcept {
  const uint64_t now = units(now_ns);
  const uint64_t whole = burst * parts_;
  const auto worth = [now](uint64_t value) { return ahead(value, now); };
  Taken taken;
  for (;;) {
    const KeyTable::Found found = table_.seat(hash, now, worth);
    taken.forgot |= found.forgot;
    const uint64_t owed = ahead(KeyTable::value_of(found.word), now);
    if (owed + parts_ > whole) {
      taken.wait_ns = ns_of(owed + parts_ - whole);
      taken.full_ns = ns_of(owed);
      return taken;
    }
    uint64_t word = found.word;
    const uint64_t owes = owed + parts_;
    if (!found.cell->compare_exchange_strong(word, KeyTable::with_value(word, now + owes),
                                             std::memory_order_acq_rel))
      continue;
    taken.granted = true;
    taken.left = (whole - owes) / parts_;
    if (taken.left == 0) taken.wait_ns = ns_of(owes + parts_ - whole);
    taken.full_ns = ns_of(owes);
    return taken;
  }
}

void TokenTable::give_back(uint64_t hash, uint64_t now_ns) noexcept {
  const uint64_t now = units(now_ns);
  KeyTable::Cell* const cell = table_.find(hash);
  if (cell == nullptr) return;
  uint64_t word = cell->load(std::memory_order_acquire);
  for (;;) {
    const uint64_t owed = ahead(KeyTable::value_of(word), now);
    const uint64_t owes = owed > parts_ ? owed - parts_ : 0;
    if (cell->compare_exchange_weak(word, KeyTable::with_value(word, now + owes),
                                    std::memory_order_acq_rel))
      return;
  }
}

void TokenTable::refresh(uint64_t now_ns) noexcept {
  const uint64_t now = units(now_ns);
  table_.for_each([now](KeyTable::Cell& cell) {
    uint64_t word = cell.load(std::memory_order_relaxed);
    const uint64_t over_since = (now - KeyTable::value_of(word)) & KeyTable::kValueMask;
    if (over_since < KeyTable::kValueMask / 8 || over_since > KeyTable::kValueMask / 2) return;
    cell.compare_exchange_strong(word, KeyTable::with_value(word, now), std::memory_order_acq_rel);
  });
}

size_t TokenTable::live(uint64_t now_ns) const noexcept {
  const uint64_t now = units(now_ns);
  size_t count = 0;
  table_.for_each([&](const KeyTable::Cell& cell) {
    if (ahead(KeyTable::value_of(cell.load(std::memory_order_relaxed)), now) > 0) ++count;
  });
  return count;
}

}  // namespace onehop
