// SPDX-License-Identifier: MIT
#include "demo.h"
namespace onehop::server { int run_demo(const DemoOptions&, const char*) { return 1; } }
