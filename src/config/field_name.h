// SPDX-License-Identifier: MIT
// Which fields onehop may be told to add to requests: those that HTTP, browsers and onehop itself
// have no use of their own for.
#pragma once

#include <string>
#include <string_view>

namespace onehop::config {

// Why `text` is no name of such a field, as the remark of a message; empty when it is one.
std::string_view field_fault(std::string_view text);

// The same for one that is taken out of what untrusted clients send: onehop may set it too.
std::string_view identity_field_fault(std::string_view text);

// Lower case, with hyphens for what is no letter or digit: many servers see one field in what
// differs in no more.
std::string canonical_field(std::string_view text);

}  // namespace onehop::config
