// SPDX-License-Identifier: MIT
// Which key somebody meant who wrote one that there is not: the same word in another spelling, the
// word that another program has for it, or one that is misspelt.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace onehop::config {

// "did you mean `workers`?"; empty when none of `known`, the keys of the table, is like `word`.
std::string meant_key(std::string_view word, std::span<const std::string_view> known);

}  // namespace onehop::config
