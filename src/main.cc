// SPDX-License-Identifier: MIT
// The program: parse arguments, load, check, make, run.
#include "onehop/server/command_line.h"

int main(int argc, char** argv) {
  return onehop::server::run_command_line(argc, argv, ONEHOP_VERSION);
}
