// SPDX-License-Identifier: MIT
// The rules for texts that are words: names, keys and statuses, which no other value has a say in.
#pragma once

#include <string>
#include <string_view>

#include "onehop/config/rules.h"

namespace onehop::config {

// As fits() and allowed() of rules.h, for those of Text that text_rules.cc and rules.cc send here.
bool fits_word(Text rule, std::string_view text);
std::string allowed_word(Text rule);

}  // namespace onehop::config
