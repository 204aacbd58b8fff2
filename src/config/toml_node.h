// SPDX-License-Identifier: MIT
// What the messages say of a piece of TOML: where it is and what it holds. With reader.cc the only
// user of toml++.
#pragma once

#include <toml++/toml.h>

#include <string>
#include <string_view>

#include "reader.h"

namespace onehop::config {

Place place(const toml::source_region& region);

// A value that is no string, or what kind of thing it is: 3, 1.0, true, "an array".
std::string shown_node(const toml::node& node);

// What a message adds to a value of the wrong type; nothing where the value's text says it.
std::string_view type_remark(const toml::node& node);

}  // namespace onehop::config
