// SPDX-License-Identifier: MIT
// Paths with wildcards, as a shell has them: `*`, `?` and `[a-z]` within one name. A name that
// begins with a dot is found by a pattern that does. Without a wildcard a pattern is a path.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "onehop/base/result.h"

namespace onehop {

bool has_wildcards(std::string_view pattern);

// Whether a name, which has no slash, is one that a pattern without a slash means.
bool matches(const std::string& pattern, const std::string& name);

// The paths that there are, sorted by their bytes; a folder that is not there has none. The error
// is a sentence: a folder cannot be read.
Result<std::vector<std::string>, std::string> paths_matching(const std::string& pattern);

}  // namespace onehop
