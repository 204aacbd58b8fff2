// SPDX-License-Identifier: MIT
#include "onehop/base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace onehop {

void assertion_failed(const char* condition, const char* file, int line) noexcept {
  std::fprintf(stderr, "onehop: assertion failed: %s (%s:%d)\n", condition, file, line);
  std::abort();
}

}  // namespace onehop
