// SPDX-License-Identifier: MIT
// What a host name may be: RFC 1123, section 2.1, and underscores, which container tools make.
#pragma once

#include <string_view>

namespace onehop::config {

// Why `text` is no host name, as the remark of a message; empty when it is one. A name that ends in
// a number is none: resolvers take it for an IPv4 address, in whole or in part.
std::string_view name_fault(std::string_view text);

}  // namespace onehop::config
