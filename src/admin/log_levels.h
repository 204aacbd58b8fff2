// SPDX-License-Identifier: MIT
// The levels of the log: a document that shows them, and the command that changes them.
#pragma once

#include <string>

#include "onehop/admin/commands.h"

namespace onehop::admin {

// {"format":"text","rooms":{"base":"info", ...}}, the rooms in their order.
std::string log_document();

// POST /log?level=LEVEL[&room=NAME], of all rooms or of one.
void add_log_command(Commands& commands);

}  // namespace onehop::admin
