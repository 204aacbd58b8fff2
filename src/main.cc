// SPDX-License-Identifier: MIT
// The program: parse arguments, load, check, make, run.
#include <cstdio>

#include "onehop/cli/command_line.h"

int main(int argc, char** argv) {
  const int code = onehop::cli::run_command_line(argc, argv, ONEHOP_VERSION);
  if (code != 0 || (std::fflush(stdout) == 0 && std::ferror(stdout) == 0)) return code;
  std::perror("onehop: standard output");
  return 1;
}
