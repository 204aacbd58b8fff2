// SPDX-License-Identifier: MIT
// `onehop demo`: three app replicas (one of them slower), a proxy in front of them with its admin
// endpoint, and a gentle load, all in this process; a live table until Ctrl-C.
#pragma once

#include <cstdint>

namespace onehop::cli {

struct DemoOptions {
  uint32_t seconds = 0;  // 0: until Ctrl-C
};

// Returns the exit code.
int run_demo(const DemoOptions& options, const char* version);

}  // namespace onehop::cli
