// SPDX-License-Identifier: MIT
// The short table of `onehop stats` and `onehop demo`, made from the document that /stats serves:
// at most 80 columns.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "onehop/base/result.h"

namespace onehop::admin {

enum class Ink : uint8_t { plain, terminal };  // terminal: bold and colour by ANSI sequences

struct TableStyle {
  Ink ink = Ink::plain;
  // An earlier document of the same process and the time between the two. With it the table shows
  // requests per second, without it requests since start.
  std::string_view previous_json = {};
  double elapsed_seconds = 0;
};

// Ends with a newline. The error is a sentence: the text is not JSON, or not a document of /stats.
Result<std::string, std::string> stats_table(const std::string& stats_json,
                                             const TableStyle& style);

}  // namespace onehop::admin
