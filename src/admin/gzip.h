// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

namespace onehop::admin {

// `text` in the gzip format (RFC 1952); empty when there is no memory for it.
std::string gzip(std::string_view text);

}  // namespace onehop::admin
