// SPDX-License-Identifier: MIT
// Counts what a thread takes from the heap: malloc itself is replaced in this program, so operator
// new, libuv and libc are all seen. Each thread counts for itself, and only between start and stop.
#pragma once

#include <cstddef>
#include <string>

namespace onehop::test {

void start_counting() noexcept;  // from zero, for the calling thread

// How many blocks the calling thread has taken since start_counting().
size_t stop_counting() noexcept;

// Where the first of them were asked for: one call stack each, as addresses for addr2line. For the
// same thread, after stop_counting().
std::string first_stacks();

}  // namespace onehop::test
