// SPDX-License-Identifier: MIT
#include "onehop/base/buffer.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <new>
#include <utility>

#include "onehop/base/assert.h"
#include "onehop/base/recycled.h"

namespace onehop {
namespace {

// Free chunks of one size, at most `kept` of them.
class ChunkList {
 public:
  ChunkList(size_t capacity, size_t kept) : capacity_(capacity), kept_(kept) {}
  ~ChunkList() {
    while (head_ != nullptr) ::operator delete(std::exchange(head_, head_->next_free));
    kept_ = 0;  // chunks that are released later on this thread go straight to the heap
  }

  Chunk* take() {
    ++in_use_;
    if (head_ == nullptr) return nullptr;
    --count_;
    return std::exchange(head_, head_->next_free);
  }
  bool give(Chunk* chunk) noexcept {
    if (chunk->capacity != capacity_) return false;
    --in_use_;
    if (!kRecycling || count_ >= kept_) return false;
    chunk->next_free = head_;
    head_ = chunk;
    ++count_;
    return true;
  }
  size_t in_use() const noexcept { return in_use_; }

 private:
  Chunk* head_ = nullptr;
  size_t count_ = 0;
  size_t in_use_ = 0;
  size_t capacity_;
  size_t kept_;
};

// 1 MiB of small and of medium chunks, 2 MiB of large and of bulk ones per thread stay warm.
thread_local ChunkList small_chunks(kSmallChunkBytes, 256);
thread_local ChunkList medium_chunks(kMediumChunkBytes, 64);
thread_local ChunkList large_chunks(kLargeChunkBytes, 32);
thread_local ChunkList bulk_chunks(kBulkChunkBytes, 4);

// What a thread's chunks take, told to all in steps, so that the usual chunk costs an addition.
std::atomic<int64_t> all_in_use{0};
std::atomic<int64_t> most_in_use{0};

class InUse {
 public:
  ~InUse() { tell(); }
  void add(int64_t bytes) noexcept {
    untold_ += bytes;
    if (untold_ >= kStep || untold_ <= -kStep) tell();
  }

 private:
  static constexpr int64_t kStep = 64 * 1024;
  void tell() noexcept {
    const int64_t now = all_in_use.fetch_add(untold_, std::memory_order_relaxed) + untold_;
    untold_ = 0;
    int64_t most = most_in_use.load(std::memory_order_relaxed);
    while (now > most && !most_in_use.compare_exchange_weak(most, now, std::memory_order_relaxed)) {
    }
  }
  int64_t untold_ = 0;
};
thread_local InUse in_use;

}  // namespace

uint64_t buffered_memory() noexcept {
  return static_cast<uint64_t>(std::max<int64_t>(all_in_use.load(std::memory_order_relaxed), 0));
}

uint64_t most_buffered_memory() noexcept {
  return static_cast<uint64_t>(most_in_use.load(std::memory_order_relaxed));
}

Chunk* acquire_chunk(size_t capacity) {
  size_t size = capacity;
  Chunk* chunk = nullptr;
  if (capacity <= kSmallChunkBytes) {
    size = kSmallChunkBytes;
    chunk = small_chunks.take();
  } else if (capacity <= kMediumChunkBytes) {
    size = kMediumChunkBytes;
    chunk = medium_chunks.take();
  } else if (capacity <= kLargeChunkBytes) {
    size = kLargeChunkBytes;
    chunk = large_chunks.take();
  } else if (capacity == kBulkChunkBytes) {
    chunk = bulk_chunks.take();
  }
  if (chunk == nullptr) {
    chunk = static_cast<Chunk*>(::operator new(sizeof(Chunk) + size));
    chunk->capacity = static_cast<uint32_t>(size);
  }
  chunk->references = 1;
  in_use.add(chunk->capacity);
  return chunk;
}

void release_chunk(Chunk* chunk) noexcept {
  if (--chunk->references != 0) return;
  in_use.add(-int64_t{chunk->capacity});
  if (small_chunks.give(chunk) || medium_chunks.give(chunk) || large_chunks.give(chunk) ||
      bulk_chunks.give(chunk))
    return;
  ::operator delete(chunk);
}

size_t bulk_chunks_in_use() noexcept {
  return bulk_chunks.in_use();
}

struct Buffer::Slice : Recycled<Slice, 4096> {
  Slice* next;
  Chunk* chunk;
  uint32_t begin;
  uint32_t end;
};

Buffer::Buffer(Buffer&& other) noexcept
    : head_(std::exchange(other.head_, nullptr)),
      tail_(std::exchange(other.tail_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  if (this != &other) {
    clear();
    head_ = std::exchange(other.head_, nullptr);
    tail_ = std::exchange(other.tail_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

void Buffer::clear() noexcept {
  while (head_ != nullptr) pop_slice();
  size_ = 0;
}

std::string_view Buffer::front() const noexcept {
  if (head_ == nullptr) return {};
  return {head_->chunk->bytes() + head_->begin, head_->end - head_->begin};
}

std::span<char> Buffer::front_writable() noexcept {
  if (head_ == nullptr) return {};
  return {head_->chunk->bytes() + head_->begin, head_->end - head_->begin};
}

Buffer::Slice* Buffer::push_slice(Chunk* chunk, size_t begin, size_t end) {
  auto* slice = new Slice;
  slice->next = nullptr;
  slice->chunk = chunk;
  slice->begin = static_cast<uint32_t>(begin);
  slice->end = static_cast<uint32_t>(end);
  if (tail_ == nullptr) {
    head_ = slice;
  } else {
    tail_->next = slice;
  }
  tail_ = slice;
  return slice;
}

void Buffer::pop_slice() noexcept {
  Slice* slice = head_;
  head_ = slice->next;
  if (head_ == nullptr) tail_ = nullptr;
  release_chunk(slice->chunk);
  delete slice;
}

// For the empty slice of a reservation that was not used: a buffer has no other.
void Buffer::drop_tail() noexcept {
  if (head_ == tail_) return pop_slice();
  Slice* before = head_;
  while (before->next != tail_) before = before->next;
  release_chunk(tail_->chunk);
  delete std::exchange(tail_, before);
  before->next = nullptr;
}

// How much can be written behind the last slice: only where nobody else holds the chunk.
size_t Buffer::tail_room() const noexcept {
  if (tail_ == nullptr || tail_->chunk->references != 1) return 0;
  return tail_->chunk->capacity - tail_->end;
}

char* Buffer::reserve(size_t size) {
  if (tail_room() < size) push_slice(acquire_chunk(size), 0, 0);
  return tail_->chunk->bytes() + tail_->end;
}

void Buffer::commit(size_t size) noexcept {
  if (size == 0 && tail_->begin == tail_->end) return drop_tail();
  tail_->end += static_cast<uint32_t>(size);
  size_ += size;
}

void Buffer::append(std::string_view bytes) {
  while (!bytes.empty()) {
    if (tail_room() == 0) {
      push_slice(acquire_chunk(std::min(bytes.size(), kLargeChunkBytes)), 0, 0);
    }
    const size_t size = std::min(bytes.size(), tail_room());
    std::memcpy(tail_->chunk->bytes() + tail_->end, bytes.data(), size);
    commit(size);
    bytes.remove_prefix(size);
  }
}

void Buffer::append_slice(Chunk* chunk, size_t offset, size_t size) {
  if (size == 0) return;
  ++chunk->references;
  push_slice(chunk, offset, offset + size);
  size_ += size;
}

void Buffer::append_copy(const Slice& slice) {
  const size_t size = slice.end - slice.begin;
  if (size < kCopyBelow) {
    append(std::string_view(slice.chunk->bytes() + slice.begin, size));
  } else {
    append_slice(slice.chunk, slice.begin, size);
  }
}

void Buffer::append_copy(const Buffer& other) {
  for (const Slice* slice = other.head_; slice != nullptr; slice = slice->next) append_copy(*slice);
}

void Buffer::append(Buffer&& other) {
  while (other.head_ != nullptr) {
    append_copy(*other.head_);
    other.pop_slice();
  }
  other.size_ = 0;
}

void Buffer::compact() {
  bool wasteful = false;
  for (const Slice* slice = head_; slice != nullptr && !wasteful; slice = slice->next)
    wasteful = slice->chunk->capacity > kSmallChunkBytes &&
               (slice->end - slice->begin) * 2 < slice->chunk->capacity;
  if (!wasteful) return;
  Buffer dense;
  while (head_ != nullptr) {
    const size_t size = head_->end - head_->begin;
    if (size * 2 < head_->chunk->capacity) {
      dense.append(std::string_view(head_->chunk->bytes() + head_->begin, size));
    } else {
      dense.append_slice(head_->chunk, head_->begin, size);
    }
    pop_slice();
  }
  *this = std::move(dense);
}

void Buffer::splice(Buffer&& other) {
  if (other.head_ == nullptr) return;
  if (tail_ == nullptr) {
    *this = std::move(other);
    return;
  }
  tail_->next = std::exchange(other.head_, nullptr);
  tail_ = std::exchange(other.tail_, nullptr);
  size_ += std::exchange(other.size_, 0);
}

void Buffer::consume(size_t size) noexcept {
  ONEHOP_ASSERT(size <= size_);
  size_ -= size;
  while (size > 0) {
    const size_t here = head_->end - head_->begin;
    if (size < here) {
      head_->begin += static_cast<uint32_t>(size);
      return;
    }
    size -= here;
    pop_slice();
  }
  if (size_ == 0) clear();  // an empty reserved slice may be left
}

Buffer Buffer::take_front(size_t size) {
  ONEHOP_ASSERT(size <= size_);
  if (size == size_) return std::move(*this);
  Buffer taken;
  while (size > 0) {
    const size_t part = std::min<size_t>(size, head_->end - head_->begin);
    taken.append_slice(head_->chunk, head_->begin, part);
    consume(part);
    size -= part;
  }
  return taken;
}

size_t Buffer::gather(std::span<iovec> into) const noexcept {
  size_t count = 0;
  for (Slice* slice = head_; slice != nullptr && count < into.size(); slice = slice->next) {
    if (slice->end == slice->begin) continue;
    into[count++] = {slice->chunk->bytes() + slice->begin, slice->end - slice->begin};
  }
  return count;
}

std::string Buffer::to_string() const {
  std::string text;
  for (Slice* slice = head_; slice != nullptr; slice = slice->next) {
    text.append(slice->chunk->bytes() + slice->begin, slice->end - slice->begin);
  }
  return text;
}

}  // namespace onehop
