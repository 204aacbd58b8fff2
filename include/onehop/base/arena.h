// SPDX-License-Identifier: MIT
// Memory that is freed all at once: the copy of a head that an exchange keeps for its life. The
// first 2 KiB are part of the object, the rest comes in chunks of the thread's pool, so a warm
// exchange allocates nothing.
#pragma once

#include <cstddef>
#include <cstring>
#include <new>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

#include "onehop/base/buffer.h"

namespace onehop {

class Arena {
 public:
  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena() { clear(); }

  // Uninitialised memory that lives until clear() or the arena's end.
  void* allocate(size_t size, size_t alignment);

  // An array whose elements the caller fills.
  template <class T>
  std::span<T> array(size_t count) {
    static_assert(std::is_trivially_destructible_v<T>);
    auto* memory = static_cast<T*>(allocate(count * sizeof(T), alignof(T)));
    for (size_t i = 0; i < count; ++i) new (memory + i) T();
    return {memory, count};
  }

  std::string_view copy(std::string_view text) {
    if (text.empty()) return {};
    const bool fits = text.size() <= static_cast<size_t>(end_ - next_);
    char* memory = fits ? std::exchange(next_, next_ + text.size())
                        : static_cast<char*>(allocate(text.size(), 1));
    std::memcpy(memory, text.data(), text.size());
    return {memory, text.size()};
  }

  void clear() noexcept;

  // Of the chunks that it has taken, beside what is part of it.
  size_t chunk_bytes() const noexcept { return chunk_bytes_; }

 private:
  static constexpr size_t kInlineBytes = 2048;

  Chunk* chunks_ = nullptr;  // linked by next_free, newest first
  size_t chunk_bytes_ = 0;
  char* next_ = inline_;
  char* end_ = inline_ + kInlineBytes;
  alignas(std::max_align_t) char inline_[kInlineBytes];
};

}  // namespace onehop
