// SPDX-License-Identifier: MIT
// KeyTable: a number for each of many keys, in memory of a fixed size, for all threads at once and
// without a lock. It knows keys by their hash alone.
//
// The idea: a set is one cache line, a header and seven words; a word is 20 bits of a key's hash
// and 44 bits of its number. What happens to a key that is there is one compare-and-swap of its
// word. To seat a new key a thread first announces it in the header of the set (which way, which
// word is to go), and whoever looks into that set meanwhile finishes the seating before it seats
// anything itself. So a key never has two words, which would double its budget, and no thread ever
// waits for another.
//
//   header   announced(1) way(3) tag(20) mark of the word that goes(20) seatings so far(20)
//   word     tag(20) value(44); 0: never used
//
// Two keys of a set whose tags are the same share a number: a new key meets one of the seven with
// a chance of 7 in 2^20.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace onehop {

class KeyTable {
 public:
  using Cell = std::atomic<uint64_t>;
  static constexpr unsigned kValueBits = 44;
  static constexpr uint64_t kValueMask = (uint64_t{1} << kValueBits) - 1;
  static constexpr size_t kWays = 7;
  static constexpr size_t kSetBytes = 64;

  // The largest power of two of sets that `bytes` has room for, and one at least.
  explicit KeyTable(uint64_t bytes)
      : set_count_(std::bit_floor(bytes < kSetBytes ? size_t{1} : bytes / kSetBytes)),
        sets_(std::make_unique<Set[]>(set_count_)) {}

  size_t room() const noexcept { return set_count_ * kWays; }  // keys
  uint64_t bytes() const noexcept { return set_count_ * kSetBytes; }

  static uint64_t value_of(uint64_t word) noexcept { return word & kValueMask; }
  static uint64_t with_value(uint64_t word, uint64_t value) noexcept {
    return (word & ~kValueMask) | (value & kValueMask);
  }

  struct Found {
    Cell* cell = nullptr;  // null: all of the set are kPinned
    uint64_t word = 0;     // that it had
    bool forgot = false;   // another key, which was worth something, had to go for it
  };
  static constexpr uint64_t kPinned = UINT64_MAX;

  // The key's cell; a key that is not there begins with `fresh`, in place of the one that is worth
  // least. worth(value): 0 is nothing lost, kPinned may not go. It is asked on this thread only,
  // and has to be the same function for all.
  template <class Worth>
  Found seat(uint64_t hash, uint64_t fresh, const Worth& worth) noexcept;

  // The key's cell, or null.
  Cell* find(uint64_t hash) noexcept {
    const uint64_t tag = tag_of(hash);
    for (Cell& cell : set_of(hash).cells) {
      if (tag_in(cell.load(std::memory_order_acquire)) == tag) return &cell;
    }
    return nullptr;
  }

  // Every cell that has ever been used.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (size_t i = 0; i < set_count_; ++i) {
      for (Cell& cell : sets_[i].cells) {
        if (cell.load(std::memory_order_relaxed) != 0) visit(cell);
      }
    }
  }

 private:
  struct alignas(kSetBytes) Set {
    Cell header{0};
    Cell cells[kWays]{};
  };
  static_assert(sizeof(Set) == kSetBytes);

  static constexpr uint64_t kTagMask = (uint64_t{1} << 20) - 1;
  static constexpr unsigned kMarkAt = 20, kHeaderTagAt = 40, kWayAt = 60;
  static constexpr uint64_t kAnnounced = uint64_t{1} << 63;

  static uint64_t tag_in(uint64_t word) noexcept { return word >> kValueBits; }
  // 0 is the tag of words that were never used.
  static uint64_t tag_of(uint64_t hash) noexcept {
    const uint64_t tag = hash >> kValueBits;
    return tag == 0 ? 1 : tag;
  }
  // Differs for two words that differ in the lowest 20 bits of their values alone.
  static uint64_t mark_of(uint64_t word) noexcept {
    return (word ^ word >> 20 ^ word >> 40) & kTagMask;
  }
  static uint64_t after(uint64_t header) noexcept { return (header + 1) & kTagMask; }
  Set& set_of(uint64_t hash) const noexcept { return sets_[hash & (set_count_ - 1)]; }

  // Seats the key that `header` announces, unless somebody has, or the word that was to go has
  // changed. Whether what went was worth something.
  template <class Worth>
  static bool finish(Set& set, uint64_t header, uint64_t fresh, const Worth& worth) noexcept;

  size_t set_count_;
  std::unique_ptr<Set[]> sets_;
};

template <class Worth>
bool KeyTable::finish(Set& set, uint64_t header, uint64_t fresh, const Worth& worth) noexcept {
  const uint64_t tag = header >> kHeaderTagAt & kTagMask;
  Cell& cell = set.cells[header >> kWayAt & 7];
  bool forgot = false;
  uint64_t goes = cell.load(std::memory_order_acquire);
  if (tag_in(goes) != tag && mark_of(goes) == (header >> kMarkAt & kTagMask)) {
    const bool lost = goes != 0 && worth(value_of(goes)) > 0;
    const uint64_t word = with_value(tag << kValueBits, fresh);
    forgot = cell.compare_exchange_strong(goes, word, std::memory_order_acq_rel) && lost;
  }
  set.header.compare_exchange_strong(header, after(header), std::memory_order_acq_rel);
  return forgot;
}

template <class Worth>
KeyTable::Found KeyTable::seat(uint64_t hash, uint64_t fresh, const Worth& worth) noexcept {
  Set& set = set_of(hash);
  const uint64_t tag = tag_of(hash);
  Found found;
  for (;;) {
    uint64_t header = set.header.load(std::memory_order_acquire);
    uint64_t least = kPinned, least_word = 0, way = 0;
    for (size_t i = 0; i < kWays; ++i) {
      const uint64_t word = set.cells[i].load(std::memory_order_acquire);
      if (tag_in(word) == tag) {
        found.cell = &set.cells[i];
        found.word = word;
        return found;
      }
      const uint64_t worth_here = word == 0 ? 0 : worth(value_of(word));
      if (worth_here < least) least = worth_here, least_word = word, way = i;
    }
    if ((header & kAnnounced) == 0) {
      if (least == kPinned) return found;
      const uint64_t announced = kAnnounced | way << kWayAt | tag << kHeaderTagAt |
                                 mark_of(least_word) << kMarkAt | header;
      if (!set.header.compare_exchange_strong(header, announced, std::memory_order_acq_rel))
        continue;
      header = announced;
    }
    found.forgot |= finish(set, header, fresh, worth);
  }
}

}  // namespace onehop
