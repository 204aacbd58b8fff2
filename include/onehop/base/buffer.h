// SPDX-License-Identifier: MIT
// Bytes on their way through: a Buffer is a list of slices of reference-counted chunks, so a body
// read from one side is moved to the other side's output without being copied.
//
//   read chunk (64 KiB)   [ head | body ........................ ]
//                                  ^-- slice --^            moved: the slice changes hands, the
//                                  bytes stay
//
// Slices below kCopyBelow bytes are copied into the tail instead, so that a handful of bytes cannot
// pin 64 KiB and a head and a small body leave in one piece.
//
// Chunks come from a pool of the thread and go back to it: a Buffer lives and dies on one thread.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace onehop {

constexpr size_t kSmallChunkBytes = 4 * 1024;  // heads, small bodies
constexpr size_t kMediumChunkBytes =
    16 * 1024;                                  // what one read brings of somebody who sends little
constexpr size_t kLargeChunkBytes = 64 * 1024;  // and of somebody who sends more
constexpr size_t kBulkChunkBytes = 512 * 1024;  // one read of a body that comes in bulk
constexpr size_t kCopyBelow = 4 * 1024;

// A piece of memory shared by slices. `bytes` follow the header.
struct Chunk {
  Chunk* next_free;
  uint32_t references;
  uint32_t capacity;
  char* bytes() noexcept { return reinterpret_cast<char*>(this + 1); }
};

// A chunk of at least `capacity` bytes with one reference; only the sizes above are pooled.
Chunk* acquire_chunk(size_t capacity);
void release_chunk(Chunk* chunk) noexcept;

// Memory of the chunks that are in use, of the whole process and in bytes: at most 64 KiB off for
// each thread. And the most of it there has been. From any thread.
uint64_t buffered_memory() noexcept;
uint64_t most_buffered_memory() noexcept;

// Chunks of kBulkChunkBytes that this thread holds: peers that do not take their bytes pin them, so
// whoever acquires one looks here first.
size_t bulk_chunks_in_use() noexcept;

class Buffer {
 public:
  Buffer() = default;
  Buffer(Buffer&& other) noexcept;
  Buffer& operator=(Buffer&& other) noexcept;
  ~Buffer() { clear(); }

  size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  void clear() noexcept;

  // The first slice, contiguous; empty only when the buffer is.
  std::string_view front() const noexcept;
  std::span<char> front_writable() noexcept;

  void append(std::string_view bytes);
  void append(Buffer&& other);  // leaves `other` empty; copies small slices
  void splice(Buffer&& other);  // leaves `other` empty; never copies: for bytes that move on within
                                // the turn

  // The same bytes once more, which `other` keeps; shares slices but for small ones.
  void append_copy(const Buffer& other);

  // Shares `size` bytes of `chunk` from `offset` on; takes a reference of its own.
  void append_slice(Chunk* chunk, size_t offset, size_t size);

  // `size` contiguous bytes at the end, to be filled and then committed (at most what was reserved)
  // before any other call.
  char* reserve(size_t size);
  void commit(size_t size) noexcept;

  // Copies small slices out of large chunks that they keep alive: for bytes that have to wait.
  void compact();

  void consume(size_t size) noexcept;  // drops bytes from the front; size <= size()
  Buffer take_front(size_t size);      // moves bytes from the front out; size <= size()

  // Describes the first slices for a gathering write; returns how many.
  size_t gather(std::span<iovec> into) const noexcept;

  std::string to_string() const;  // for tests and messages

 private:
  struct Slice;
  void append_copy(const Slice& slice);
  Slice* push_slice(Chunk* chunk, size_t begin, size_t end);
  void pop_slice() noexcept;
  void drop_tail() noexcept;
  size_t tail_room() const noexcept;

  Slice* head_ = nullptr;
  Slice* tail_ = nullptr;
  size_t size_ = 0;
};

}  // namespace onehop
