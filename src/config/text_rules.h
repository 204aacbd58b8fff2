// SPDX-License-Identifier: MIT
// Text of the configuration: how it is shown, why it is refused, and when two addresses are one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "onehop/config/rules.h"

namespace onehop::config {

// Whether it has ASCII letters, digits and the characters of `more` alone.
bool made_of(std::string_view text, std::string_view more);

// ASCII letters to lower case, whatever the locale.
std::string lower(std::string_view text);

// A TOML basic string that is a JSON string too, with its quotes.
std::string in_quotes(std::string_view text);

// The same for a message: at most 80 characters of it.
std::string in_quotes_short(std::string_view text);

// How a message shows what was found: in_quotes_short(), or `an empty string`.
std::string shown(std::string_view text);

// Why a text of the right form does not fit its rule, such as `an empty label`; empty where what is
// allowed says it already.
std::string reason_against(Text rule, std::string_view text);

// The text as a Config has it: a host or server name without the dot at its end, which says "from
// the root" and names the same host.
std::string normal(Text rule, std::string text);

// The one spelling of what `text` names: "A.org" and "a.org" are one host, "[0::1]:80" and
// "[::1]:80" one endpoint, "X-User" and "x_user" one field. Needs fits(rule, text).
std::string canonical(Text rule, std::string_view text);

// Whether two sockets would listen for the same connections: "127.0.0.1:80" is a part of ":80".
// Port 0 is another port each time.
enum class Overlap : uint8_t { none, partial, same };
Overlap overlap(std::string_view one, std::string_view other);

}  // namespace onehop::config
