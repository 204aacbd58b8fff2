// SPDX-License-Identifier: MIT
#include "cookies.h"

#include <algorithm>

#include "onehop/base/ascii.h"

namespace onehop::proxy {

std::optional<std::string_view> cookie_of(const http::Fields& fields, std::string_view name) {
  for (const http::Field& field : fields) {
    if (field.id != http::FieldId::cookie) continue;
    for (std::string_view rest = field.value; !rest.empty();) {
      const size_t end = std::min(rest.find(';'), rest.size());
      const std::string_view pair = trim_blanks(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=')
        return pair.substr(name.size() + 1);
    }
  }
  return std::nullopt;
}

}  // namespace onehop::proxy
