// SPDX-License-Identifier: MIT
// Cookies of a request (RFC 6265 5.4).
#pragma once

#include <optional>
#include <string_view>

#include "onehop/http/fields.h"

namespace onehop::proxy {

// The value of the first cookie of that name; nothing where there is none.
std::optional<std::string_view> cookie_of(const http::Fields& fields, std::string_view name);

}  // namespace onehop::proxy
