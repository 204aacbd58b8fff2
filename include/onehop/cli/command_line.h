// SPDX-License-Identifier: MIT
// The command line of onehop. Exit codes: 0 fine, 1 a failure at run time, 2 wrong usage or
// configuration.
#pragma once

namespace onehop::cli {

int run_command_line(int argc, char** argv, const char* version);

}  // namespace onehop::cli
