// SPDX-License-Identifier: MIT
// What the messages say of a piece of TOML: where it is and what it holds; and how one is moved.
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

// Puts the node at the key, or at the end. It is moved, as a copy would forget where it is from.
void move_to(toml::table& table, const toml::key& key, toml::node& node);
void move_behind(toml::array& array, toml::node& node);

}  // namespace onehop::config
