// SPDX-License-Identifier: MIT
// Which of the names of a choice a word is, or may be meant for.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "onehop/config/rules.h"

namespace onehop::config {

struct Choosing {
  std::optional<size_t> index;  // of the name that is chosen
  std::string_view meant;       // else the one that may be meant, or nothing
};

Choosing choose(std::string_view word, std::span<const std::string_view> names,
                std::span<const Synonym> synonyms);

}  // namespace onehop::config
