// SPDX-License-Identifier: MIT
// "did you mean ...?" for a word that is close to one that exists.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace onehop::config {

// The closest of `known`: at most two edits away and less than half of the word, or one begins with
// the other. Empty when nothing is close.
std::string_view closest(std::string_view word, std::span<const std::string_view> known);

// "a, b, c", cut after ten.
std::string listing(std::span<const std::string_view> words);

}  // namespace onehop::config
