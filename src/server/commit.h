// SPDX-License-Identifier: MIT
// What this program was built from.
#pragma once

#include <string_view>

namespace onehop::server {

// The commit, in twelve digits; "" where the build did not know it.
std::string_view built_from();

}  // namespace onehop::server
