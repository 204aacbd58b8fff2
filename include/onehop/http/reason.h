// SPDX-License-Identifier: MIT
// Reason phrases of the statuses that this program answers itself (RFC 9110 15).
#pragma once

#include <string_view>

namespace onehop::http {

// Empty for any other status.
std::string_view reason_of(int status);

}  // namespace onehop::http
