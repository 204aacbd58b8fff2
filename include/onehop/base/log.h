// SPDX-License-Identifier: MIT
// The operational log: what an operator must know (start, stop, a paused listener, an endpoint that
// cannot be reached), one line each on standard error. Nothing on the path of a request writes
// here; how requests end is counted, not logged.
#pragma once

#include <string_view>

namespace onehop::log {

enum class Level { debug, info, warning, error };

// Lines below `level` are left out from now on. Any thread; Level::info until then.
void set_level(Level level);

void debug(std::string_view sentence);
void info(std::string_view sentence);
void warning(std::string_view sentence);
void error(std::string_view sentence);

}  // namespace onehop::log
