// SPDX-License-Identifier: MIT
// ONEHOP_ASSERT: states what cannot happen. It stays on in release builds: a proxy that goes on
// after an impossible state sends one client's bytes to another, and a crash at a known line is the
// better end.
#pragma once

namespace onehop {

[[noreturn]] void assertion_failed(const char* condition, const char* file, int line) noexcept;

}  // namespace onehop

#define ONEHOP_ASSERT(condition)                     \
  (__builtin_expect(static_cast<bool>(condition), 1) \
       ? static_cast<void>(0)                        \
       : ::onehop::assertion_failed(#condition, __FILE__, __LINE__))
