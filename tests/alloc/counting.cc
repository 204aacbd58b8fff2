// SPDX-License-Identifier: MIT
#include "counting.h"

#include <execinfo.h>

#include <array>
#include <cerrno>
#include <cstdlib>

extern "C" {
// The allocator of glibc below the names that are replaced here.
// NOLINTBEGIN(readability-identifier-naming): glibc chose the names.
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* memory, size_t size);
void* __libc_memalign(size_t alignment, size_t size);
// NOLINTEND(readability-identifier-naming)
}

namespace onehop::test {
namespace {

constexpr size_t kStacks = 4;
constexpr int kDepth = 24;

struct Stack {
  std::array<void*, kDepth> frames;
  int depth;
};

// Constant-initialised: reading it takes no memory, which malloc could not bear.
struct Count {
  bool on;
  size_t blocks;
  std::array<Stack, kStacks> stacks;
};
thread_local constinit Count count{};

void note() noexcept {
  if (!count.on) return;
  count.on = false;  // what backtrace takes is not counted
  if (count.blocks < kStacks) {
    Stack& stack = count.stacks[count.blocks];
    stack.depth = backtrace(stack.frames.data(), kDepth);
  }
  ++count.blocks;
  count.on = true;
}

}  // namespace

void start_counting() noexcept {
  count.blocks = 0;
  count.on = true;
}

size_t stop_counting() noexcept {
  count.on = false;
  return count.blocks;
}

std::string first_stacks() {
  std::string text;
  for (size_t i = 0; i < kStacks && i < count.blocks; ++i) {
    const Stack& stack = count.stacks[i];
    char** names = backtrace_symbols(stack.frames.data(), stack.depth);
    if (names == nullptr) return text;
    text += "allocation " + std::to_string(i + 1) + ":\n";
    for (int frame = 0; frame < stack.depth; ++frame) text += std::string(names[frame]) + "\n";
    std::free(static_cast<void*>(names));
  }
  return text;
}

}  // namespace onehop::test

extern "C" {

void* malloc(size_t size) noexcept {
  onehop::test::note();
  return __libc_malloc(size);
}

void* calloc(size_t count, size_t size) noexcept {
  onehop::test::note();
  return __libc_calloc(count, size);
}

void* realloc(void* memory, size_t size) noexcept {
  onehop::test::note();
  return __libc_realloc(memory, size);
}

void* memalign(size_t alignment, size_t size) noexcept {
  onehop::test::note();
  return __libc_memalign(alignment, size);
}

void* aligned_alloc(size_t alignment, size_t size) noexcept {
  return memalign(alignment, size);
}

int posix_memalign(void** memory, size_t alignment, size_t size) noexcept {
  *memory = memalign(alignment, size);
  return *memory == nullptr ? ENOMEM : 0;
}
}
