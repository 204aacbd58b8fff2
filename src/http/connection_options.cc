// SPDX-License-Identifier: MIT
#include "onehop/http/connection_options.h"

#include "onehop/base/ascii.h"

namespace onehop::http {
namespace {

uint32_t hash_of(std::string_view name) {
  uint32_t hash = 2166136261u;
  for (const char c : name) hash = (hash ^ static_cast<uint8_t>(to_lower(c))) * 16777619u;
  return hash ^ (hash >> 16);
}

}  // namespace

Result<ConnectionOptions, Violation> ConnectionOptions::read(const Fields& fields) {
  ConnectionOptions options;
  size_t elements = 0;
  for (const Field& field : fields) {
    if (field.id != FieldId::connection) continue;
    std::string_view list = field.value;
    bool more = true;
    while (more) {
      const size_t comma = list.find(',');
      more = comma != std::string_view::npos;
      if (++elements > kMostElements || !options.take(trim_blanks(list.substr(0, comma))))
        return Unexpected<Violation>(Violation::too_many_options);
      if (more) list.remove_prefix(comma + 1);
    }
  }
  return options;
}

bool ConnectionOptions::take(std::string_view option) {
  if (option.empty()) return true;
  if (equals_ignoring_case(option, "keep-alive")) {
    keep_alive_ = true;
  } else if (equals_ignoring_case(option, "close")) {
    close_ = true;
  } else if (equals_ignoring_case(option, "upgrade")) {
    upgrade_ = true;
  } else if (classify(option) == FieldId::other) {
    const uint32_t hash = hash_of(option);
    if (names(option, hash)) return true;
    if (count_ == kMostNames) return false;
    names_[count_] = {option, hash};
    size_t slot = hash % kSlots;
    while (slots_[slot] != 0) slot = (slot + 1) % kSlots;
    slots_[slot] = ++count_;
  }
  return true;
}

bool ConnectionOptions::names(std::string_view field, uint32_t hash) const noexcept {
  for (size_t slot = hash % kSlots; slots_[slot] != 0; slot = (slot + 1) % kSlots) {
    const Name& name = names_[slots_[slot] - 1];
    if (name.hash == hash && equals_ignoring_case(name.text, field)) return true;
  }
  return false;
}

void ConnectionOptions::mark(Fields& fields) const noexcept {
  if (count_ == 0) return;
  for (Field& field : fields.all()) {
    if (field.id == FieldId::other && names(field.name, hash_of(field.name)))
      field.id = FieldId::nominated;
  }
}

}  // namespace onehop::http
