// SPDX-License-Identifier: MIT
// The Date field (RFC 9110 5.6.7), formatted once a second.
#pragma once

#include <ctime>
#include <string_view>

namespace onehop::http {

// "Sun, 06 Nov 1994 08:49:37 GMT". Per thread; a view stays valid until the thread's next call.
std::string_view date_text(std::time_t now);

}  // namespace onehop::http
