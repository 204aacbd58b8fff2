// SPDX-License-Identifier: MIT
#include "onehop/http/fields.h"

#include <algorithm>
#include <array>
#include <utility>

#include "onehop/base/ascii.h"
#include "onehop/http/identity_fields.h"

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
#define X(name) {name, FieldId::identity},
        ONEHOP_IDENTITY_FIELDS(X)
#undef X
};

constexpr size_t kSlots = 512;
constexpr size_t kLongestName = [] {
  size_t longest = 0;
  for (const Known& known : kKnown) longest = std::max(longest, known.name.size());
  return longest;
}();

// Length and four letters tell the known names apart, or nearly, in an open-addressed table that is
// made at compile time.
constexpr size_t slot_of(std::string_view name) {
  const auto letter = [&](size_t at) { return static_cast<unsigned char>(levelled(name[at])); };
  const size_t size = name.size();
  return (size * 56 + letter(0) * 19u + letter(size / 2) * 13u + letter(size - 1) * 17u +
          letter(size - 2) * 57u) %
         kSlots;
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

// Names that make up a family with whatever stands behind them, as X-Forwarded-User does. The third
// letter tells them apart, so a name is compared with one of them at most.
constexpr std::string_view kFamilies[] = {"x-forwarded", "x-ssl-client", "ssl-client",
                                          "x-client-cert", "x-amzn-mtls-clientcert"};

constexpr bool is_of_family(std::string_view name, std::string_view family) {
  if (name.size() < family.size()) return false;
  for (size_t i = 0; i < family.size(); ++i) {
    if (levelled(name[i]) != family[i]) return false;
  }
  return name.size() == family.size() || levelled(name[family.size()]) == '-';
}

constexpr bool claims_identity(std::string_view name) {
  const char first = levelled(name.front());
  if (first != 'x' && first != 's') return false;  // most names
  if (name.size() < 3) return false;
  const char third = levelled(name[2]);
  for (const std::string_view family : kFamilies) {
    if (family[2] == third) return is_of_family(name, family);
  }
  return false;
}

static_assert([] {
  for (const std::string_view family : kFamilies) {
    if (std::ranges::count(kFamilies, family[2], [](std::string_view f) { return f[2]; }) != 1)
      return false;
  }
  return true;
}());

enum class Likeness : uint8_t { none, levelled, exact };

Likeness compare(std::string_view name, std::string_view known) {
  if (name.size() != known.size()) return Likeness::none;
  bool exact = true;
  for (size_t i = 0; i < name.size(); ++i) {
    if (levelled(name[i]) != known[i]) return Likeness::none;
    exact &= name[i] == '-' || known[i] != '-';
  }
  return exact ? Likeness::exact : Likeness::levelled;
}

FieldId look_up(std::string_view name) {
  for (size_t slot = slot_of(name); kTable[slot] != 0; slot = (slot + 1) % kSlots) {
    const Known& known = kKnown[kTable[slot] - 1];
    const Likeness likeness = compare(name, known.name);
    if (likeness == Likeness::none) continue;
    const bool meant = likeness == Likeness::exact || known.id == FieldId::identity;
    return meant ? known.id : FieldId::alias;
  }
  return FieldId::other;
}

}  // namespace

FieldId classify(std::string_view name) noexcept {
  if (name.size() < 2) return FieldId::other;
  const FieldId id = name.size() > kLongestName ? FieldId::other : look_up(name);
  return id == FieldId::other && claims_identity(name) ? FieldId::identity : id;
}

void Fields::add(std::string_view name, std::string_view value) noexcept {
  add(name, value, classify(name));
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
