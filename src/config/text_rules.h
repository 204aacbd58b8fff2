// SPDX-License-Identifier: MIT
// Text of the configuration: how it is quoted, and when two addresses are one.
#pragma once

#include <string>
#include <string_view>

#include "onehop/config/schema.h"

namespace onehop::config {

// ASCII letters to lower case, whatever the locale.
std::string lower(std::string_view text);

// A TOML basic string that is a JSON string too, with its quotes.
std::string quoted(std::string_view text);

// The same for a message: at most 80 characters of it.
std::string quoted_short(std::string_view text);

// The one spelling of what `text` names: ":80" and "0.0.0.0:80" are one address, "A.org" and
// "a.org" one host. Needs fits(rule, text).
std::string canonical(Text rule, std::string_view text);

// Whether `address` leaves the port to the kernel, so that it may be written twice.
bool any_port(std::string_view address);

}  // namespace onehop::config
