// SPDX-License-Identifier: MIT
// Reason phrases: of the statuses that this program answers itself, and of those that come by
// HTTP/2, which has none, for a client of HTTP/1.1 (RFC 9110 15).
#pragma once

#include <string_view>

namespace onehop::http {

// Empty for a status that is not registered.
std::string_view reason_of(int status);

}  // namespace onehop::http
