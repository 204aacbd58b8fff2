// SPDX-License-Identifier: MIT
// PlainChunk: where decrypted records land, one behind the other, whichever connection of the
// thread they belong to. A slice that somebody keeps so pins its share of a 64 KiB chunk and not
// one chunk for each record; while nobody keeps any, the same warm memory is used again and again.
#pragma once

#include <span>
#include <utility>

#include "onehop/base/buffer.h"

namespace onehop::tls {

constexpr size_t kRecordBytes = 16 * 1024;  // of plain text in one record, at most (RFC 8446 5.1)

// Of one thread.
class PlainChunk {
 public:
  PlainChunk() = default;
  PlainChunk(const PlainChunk&) = delete;
  PlainChunk& operator=(const PlainChunk&) = delete;
  ~PlainChunk() {
    if (chunk_ != nullptr) release_chunk(chunk_);
  }

  // Room for a record. What was filled and not taken yet goes to `plain` where the chunk is full.
  std::span<char> room(Buffer& plain) {
    if (chunk_ != nullptr && begin_ == end_ && chunk_->references == 1) begin_ = end_ = 0;
    if (chunk_ == nullptr || chunk_->capacity - end_ < kRecordBytes) {
      take(plain);
      if (chunk_ != nullptr) release_chunk(chunk_);
      chunk_ = acquire_chunk(kLargeChunkBytes);
      begin_ = end_ = 0;
    }
    return {chunk_->bytes() + end_, kRecordBytes};
  }
  void filled(size_t size) { end_ += size; }

  // Appends what was filled to `plain`, in one slice.
  void take(Buffer& plain) {
    if (begin_ == end_) return;
    plain.append_slice(chunk_, begin_, end_ - begin_);
    begin_ = end_;
  }

 private:
  Chunk* chunk_ = nullptr;
  size_t begin_ = 0;  // of what was filled and not taken
  size_t end_ = 0;
};

}  // namespace onehop::tls
