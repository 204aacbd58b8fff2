// SPDX-License-Identifier: MIT
// A list of endpoints as JSON: the same tree that TOML would have, so that one reader serves both.
#pragma once

#include <toml++/toml.h>

#include "reader.h"

namespace onehop::config {

// By the end of its name; of any other name, by how it begins.
bool is_json(const Source& source);

// `{"endpoints": [...]}`, or the list alone. What is nested deeper than an endpoint is cut off: it
// is wrong whatever it holds. The error is text that is not JSON.
Result<toml::table, Problem> json_tree(const Source& source);

}  // namespace onehop::config
