// SPDX-License-Identifier: MIT
#include "onehop/base/memory_return.h"

#include "tests/support/catch.h"

namespace onehop {
namespace {

constexpr uint64_t kMiB = 1024 * 1024;

TEST_CASE("memory is given back once a burst is over, and not while it lasts") {
  MemoryReturn memory;
  CHECK_FALSE(memory.look_at(kMiB));
  CHECK_FALSE(memory.look_at(100 * kMiB));
  CHECK_FALSE(memory.look_at(95 * kMiB));
  CHECK(memory.look_at(10 * kMiB));
  CHECK_FALSE(memory.look_at(10 * kMiB));
  CHECK_FALSE(memory.look_at(3 * kMiB));
  CHECK(memory.look_at(0));
}

}  // namespace
}  // namespace onehop
