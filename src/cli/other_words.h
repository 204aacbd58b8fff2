// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

namespace onehop::cli {

// What onehop has for an option or a command that other proxies have; empty where it knows none.
// `next` is the command that came with it, if any: `-s reload`. A file in place of a command is
// one, too.
std::string meant_by(std::string_view word, std::string_view next = {});

}  // namespace onehop::cli
