// SPDX-License-Identifier: MIT
#include "guarded_fields.h"

#include <algorithm>

#include "onehop/base/ascii.h"

namespace onehop::proxy {
namespace {

uint32_t hash_of(std::string_view name) {
  uint32_t hash = 2166136261u;
  for (const char c : name) hash = (hash ^ static_cast<uint8_t>(levelled(c))) * 16777619u;
  return hash;
}

// Of its length and its ends.
uint64_t bit_of(std::string_view name) {
  if (name.empty()) return 0;
  const auto letter = [](char c) { return static_cast<size_t>(levelled(c)); };
  return uint64_t{1} << (name.size() * 11 + letter(name.front()) * 7 + letter(name.back())) % 64;
}

}  // namespace

GuardedFields::GuardedFields(std::span<const std::string> own,
                             std::span<const std::string> identity) {
  for (const std::string& name : own) add(name, Guard::own);
  for (const std::string& name : identity) add(name, Guard::identity);
}

void GuardedFields::add(std::string_view name, Guard guard) {
  if (of(name) != Guard::none) return;
  seen_ |= bit_of(name);
  names_.emplace(hash_of(name), std::pair(std::string(name), guard));
}

GuardedFields::Guard GuardedFields::of(std::string_view name) const noexcept {
  if ((seen_ & bit_of(name)) == 0) return Guard::none;
  const auto [first, last] = names_.equal_range(hash_of(name));
  for (auto it = first; it != last; ++it) {
    const auto& [known, guard] = it->second;
    const bool same =
        std::ranges::equal(known, name, [](char a, char b) { return levelled(a) == levelled(b); });
    if (same) return guard;
  }
  return Guard::none;
}

}  // namespace onehop::proxy
