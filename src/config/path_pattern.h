// SPDX-License-Identifier: MIT
// Paths of routes that were meant as patterns, which there are none of: what other proxies and
// frameworks write in that place.
#pragma once

#include <string>
#include <string_view>

namespace onehop::config {

// Why the path cannot be meant as it stands, with what may be meant; empty where it can.
std::string pattern_fault(std::string_view path);

// Why a path that is taken as it stands looks like a pattern; empty where it does not.
std::string_view pattern_suspicion(std::string_view path);

}  // namespace onehop::config
