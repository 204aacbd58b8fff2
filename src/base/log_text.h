// SPDX-License-Identifier: MIT
// A message as it may stand in a line of the log.
#pragma once

#include <string>
#include <string_view>

#include "onehop/base/log.h"

namespace onehop::log {

// What could end a line, begin another or speak to a terminal (control characters of ASCII and of
// Unicode, separators of lines and paragraphs) is escaped as \u001b. In JSON the result may stand
// between quotes, and a byte that is not UTF-8 is U+FFFD; in text it is escaped as \xff.
std::string one_line(std::string_view message, Format format);

}  // namespace onehop::log
