// SPDX-License-Identifier: MIT
#include "onehop/base/arena.h"

#include <cstdint>
#include <utility>

namespace onehop {

void* Arena::allocate(size_t size, size_t alignment) {
  const auto misaligned = reinterpret_cast<uintptr_t>(next_) % alignment;
  const size_t padding = misaligned == 0 ? 0 : alignment - misaligned;
  if (static_cast<size_t>(end_ - next_) >= size + padding) {
    char* memory = next_ + padding;
    next_ = memory + size;
    return memory;
  }
  Chunk* chunk = acquire_chunk(size + alignment);
  chunk->next_free = chunks_;
  chunks_ = chunk;
  chunk_bytes_ += chunk->capacity;
  next_ = chunk->bytes();
  end_ = next_ + chunk->capacity;
  return allocate(size, alignment);
}

void Arena::clear() noexcept {
  while (chunks_ != nullptr) release_chunk(std::exchange(chunks_, chunks_->next_free));
  chunk_bytes_ = 0;
  next_ = inline_;
  end_ = inline_ + kInlineBytes;
}

}  // namespace onehop
