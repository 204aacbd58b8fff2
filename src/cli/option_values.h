// SPDX-License-Identifier: MIT
// Values of options, checked as those of the configuration file are: what is refused is answered
// with what is allowed and what was found.
#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <span>
#include <string_view>

namespace onehop::cli {

// `least` to `most`, in digits.
CLI::Validator whole_number(uint64_t least, uint64_t most);

// A time as in the configuration file: 1 ms to 1 h. The option gives it to milliseconds_of() then.
CLI::Validator duration();
std::chrono::milliseconds milliseconds_of(const std::string& text);

// One of the words, as they stand.
CLI::Validator one_of(std::span<const std::string_view> words);

// Help that fits a terminal of 80 columns.
std::shared_ptr<CLI::FormatterBase> narrow_help();

}  // namespace onehop::cli
