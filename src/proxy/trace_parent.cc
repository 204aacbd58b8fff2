// SPDX-License-Identifier: MIT
#include "trace_parent.h"

#include <algorithm>

#include "onehop/base/ascii.h"

namespace onehop::proxy {
namespace {

bool is_hex(std::string_view text) {
  return std::ranges::all_of(
      text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_id(std::string_view text) {
  return is_hex(text) && text.find_first_not_of('0') != text.npos;
}

// version "-" trace-id "-" parent-id "-" flags; a later version may have more behind a dash.
std::string_view trace_id(std::string_view value) {
  constexpr size_t kLength = 55;
  if (value.size() < kLength || value[2] != '-' || value[35] != '-' || value[52] != '-') return {};
  const std::string_view version = value.substr(0, 2);
  if (!is_hex(version) || version == "ff") return {};
  if (value.size() > kLength && (version == "00" || value[kLength] != '-')) return {};
  const std::string_view id = value.substr(3, 32);
  return is_id(id) && is_id(value.substr(36, 16)) && is_hex(value.substr(53, 2))
             ? id
             : std::string_view();
}

}  // namespace

std::string_view trace_id_of(const http::Fields& fields) {
  const http::Field* found = nullptr;
  for (const http::Field& field : fields) {
    if (!equals_ignoring_case(field.name, "traceparent")) continue;
    if (found != nullptr) return {};
    found = &field;
  }
  return found != nullptr ? trace_id(found->value) : std::string_view();
}

}  // namespace onehop::proxy
