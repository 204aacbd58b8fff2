// SPDX-License-Identifier: MIT
#include "onehop/http/fields.h"

#include <array>
#include <utility>

#include "onehop/base/ascii.h"
#include "onehop/base/assert.h"

namespace onehop::http {
namespace {

struct Known {
  std::string_view name;
  FieldId id;
};

constexpr Known kKnown[] = {
#define X(id, name) {name, FieldId::id},
    ONEHOP_KNOWN_FIELDS(X)
#undef X
};

constexpr size_t kLongestName = 25;
constexpr size_t kSlots = 256;

// Length, first and last letter tell the known names apart well enough for an open-addressed table
// made at compile time.
constexpr size_t slot_of(std::string_view name) {
  const auto first = static_cast<unsigned char>(name.front() | 0x20);
  const auto last = static_cast<unsigned char>(name.back() | 0x20);
  return (name.size() * 7 + first * 31u + last * 5u) % kSlots;
}

constexpr auto kTable = [] {
  std::array<uint8_t, kSlots> table{};
  for (size_t i = 0; i < std::size(kKnown); ++i) {
    size_t slot = slot_of(kKnown[i].name);
    while (table[slot] != 0) slot = (slot + 1) % kSlots;
    table[slot] = static_cast<uint8_t>(i + 1);
  }
  return table;
}();

}  // namespace

FieldId classify(std::string_view name) noexcept {
  if (name.size() < 2 || name.size() > kLongestName) return FieldId::other;
  for (size_t slot = slot_of(name); kTable[slot] != 0; slot = (slot + 1) % kSlots) {
    const Known& known = kKnown[kTable[slot] - 1];
    if (known.name.size() != name.size()) continue;
    bool underscored = false;
    bool same = true;
    for (size_t i = 0; same && i < name.size(); ++i) {
      const bool underscore = name[i] == '_';
      same = to_lower(underscore ? '-' : name[i]) == known.name[i];
      underscored |= underscore;
    }
    if (same) return underscored ? FieldId::alias : known.id;
  }
  return FieldId::other;
}

void Fields::add(std::string_view name, std::string_view value) noexcept {
  add(name, value, classify(name));
}

void Fields::add(std::string_view name, std::string_view value, FieldId id) noexcept {
  add({name, value, id});
}

void Fields::add(const Field& field) noexcept {
  ONEHOP_ASSERT(!full());
  room_[count_++] = field;
}

const Field* Fields::find(FieldId id) const noexcept {
  for (const Field& field : *this) {
    if (field.id == id) return &field;
  }
  return nullptr;
}

size_t Fields::count(FieldId id) const noexcept {
  size_t found = 0;
  for (const Field& field : *this) found += field.id == id ? 1 : 0;
  return found;
}

const Field* Fields::find(std::string_view name) const noexcept {
  for (const Field& field : *this) {
    if (equals_ignoring_case(field.name, name)) return &field;
  }
  return nullptr;
}

Fields Fields::copy_to(Arena& arena, size_t extra) const {
  Fields copy(arena.array<Field>(count_ + extra));
  for (const Field& field : *this)
    copy.add({arena.copy(field.name), arena.copy(field.value), field.id, field.never_indexed});
  return copy;
}

}  // namespace onehop::http
