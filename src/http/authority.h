// SPDX-License-Identifier: MIT
// Whether two authorities name the same place (RFC 3986 6.2.2, 6.2.3): letters of either case, with
// or without the last dot of a name, with or without the port that the scheme implies.
#pragma once

#include <string_view>

namespace onehop::http {

// Both are authorities without user information. `scheme` is "http", "https", or one whose default
// port nobody knows here.
bool same_authority(std::string_view a, std::string_view b, std::string_view scheme) noexcept;

}  // namespace onehop::http
