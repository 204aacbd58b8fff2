// SPDX-License-Identifier: MIT
// CountTable: how many there are of each of many keys, for all threads at once: a KeyTable whose
// numbers are counts. A key of which there are none makes room for others; one of which there are
// some is never forgotten, as it has to be counted down again.
#pragma once

#include <cstddef>
#include <cstdint>

#include "onehop/base/key_table.h"

namespace onehop {

class CountTable {
 public:
  static constexpr uint64_t kMost = 1'000'000;

  explicit CountTable(uint64_t bytes) : table_(bytes) {}

  enum class Entry : uint8_t { counted, refused, no_room };
  struct Added {
    Entry entry;
    KeyTable::Cell* cell = nullptr;  // where it is counted
  };
  // One more, where there are fewer than `most` (1 to kMost). `no_room`: everyone in the key's set
  // has some, so this one is not counted.
  Added add(uint64_t hash, uint64_t most) noexcept {
    const auto worth = [](uint64_t count) { return count == 0 ? 0 : KeyTable::kPinned; };
    for (;;) {
      const KeyTable::Found found = table_.seat(hash, 0, worth);
      if (found.cell == nullptr) return {Entry::no_room};
      const uint64_t count = KeyTable::value_of(found.word);
      if (count >= most) return {Entry::refused};
      uint64_t word = found.word;
      if (found.cell->compare_exchange_strong(word, KeyTable::with_value(word, count + 1),
                                              std::memory_order_acq_rel))
        return {Entry::counted, found.cell};
    }
  }

  // One less: once for each that was counted, with its cell.
  static void remove(KeyTable::Cell& cell) noexcept {
    cell.fetch_sub(1, std::memory_order_acq_rel);
  }

  size_t room() const noexcept { return table_.room(); }
  size_t live() const noexcept {  // keys of which there are some
    size_t count = 0;
    table_.for_each([&](const KeyTable::Cell& cell) {
      if (KeyTable::value_of(cell.load(std::memory_order_relaxed)) > 0) ++count;
    });
    return count;
  }

 private:
  KeyTable table_;
};

}  // namespace onehop
