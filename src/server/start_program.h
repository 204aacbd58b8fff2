// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "onehop/base/result.h"
#include "onehop/net/descriptor_passing.h"

namespace onehop::server {

// Starts the program of arguments[0] again, with the same arguments and `--takeover`, the same
// environment and folder, and `channel` as ONEHOP_TAKEOVER_FD. It is looked for as a shell would,
// so a binary that was replaced is the new one. It gets no other descriptor but the standard ones.
// The error is a sentence.
Result<pid_t, std::string> start_program(const std::vector<std::string>& arguments,
                                         const net::MessageSocket& channel);

}  // namespace onehop::server
