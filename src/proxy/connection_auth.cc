// SPDX-License-Identifier: MIT
#include "connection_auth.h"

#include "onehop/base/ascii.h"

namespace onehop::proxy {
namespace {

using http::FieldId;

bool is_of_connection(std::string_view scheme) {
  return equals_ignoring_case(scheme, "ntlm") || equals_ignoring_case(scheme, "negotiate");
}

std::string_view token_at_front(std::string_view text) {
  size_t size = 0;
  while (size < text.size() && is_token_char(text[size])) ++size;
  return text.substr(0, size);
}

// The size of the list's first element: up to a comma that is in no quoted string.
size_t element_size(std::string_view list) {
  bool quoted = false;
  for (size_t i = 0; i < list.size(); ++i) {
    if (list[i] == '"') quoted = !quoted;
    if (quoted && list[i] == '\\') ++i;
    if (!quoted && i < list.size() && list[i] == ',') return i;
  }
  return list.size();
}

// An element of the list begins a challenge, or is a further parameter of the last one, and then
// has a `=` behind its name (RFC 9110 11.6.1).
bool names_scheme(std::string_view list) {
  while (!list.empty()) {
    const size_t size = element_size(list);
    const std::string_view element = trim_blanks(list.substr(0, size));
    const std::string_view name = token_at_front(element);
    const std::string_view behind = trim_blanks(element.substr(name.size()));
    if (!behind.starts_with('=') && is_of_connection(name)) return true;
    list.remove_prefix(size < list.size() ? size + 1 : size);
  }
  return false;
}

}  // namespace

bool authenticates_connection(const http::Fields& request) {
  for (const http::Field& field : request)
    if (field.id == FieldId::authorization && is_of_connection(token_at_front(field.value)))
      return true;
  return false;
}

bool challenges_connection(const http::Fields& response) {
  for (const http::Field& field : response)
    if (field.id == FieldId::www_authenticate && names_scheme(field.value)) return true;
  return false;
}

}  // namespace onehop::proxy
