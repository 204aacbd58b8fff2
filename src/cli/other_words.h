// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

namespace onehop::cli {

// What onehop has for an option or a command that other proxies have; empty where it knows none.
// A file in place of a command is one, too.
std::string meant_by(std::string_view word);

}  // namespace onehop::cli
