// SPDX-License-Identifier: MIT
// Ring: records on their way from one thread to one other, in order, in memory of a fixed size. Who
// writes never waits: where there is no room, there is none, and what then is its own decision.
//
//   tail_ ──▶ written by the writer        head_ ──▶ written by the reader
//   | size | record, padded to 8 bytes | size | record ... | skip, up to the end |
//
// Both count bytes since the beginning; a record never lies across the end of the memory.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace onehop {

class Ring {
 public:
  // A power of two, 4 KiB or more. Its pages cost nothing until they are used.
  explicit Ring(size_t bytes);

  // The writer's thread. reserve() returns room for a record, or null where there is none, as for
  // one that is larger than half of the ring; publish() hands over what was last reserved.
  char* reserve(size_t bytes) noexcept;
  void publish() noexcept;
  // Of what it handed over, at least so much was not taken yet.
  bool holds(size_t bytes) noexcept;

  // The reader's thread. Whether there is a record; the oldest one, which stays until pop().
  bool empty() noexcept;
  std::string_view front() const noexcept;
  void pop() noexcept;

  // The reader's thread: all that has come so far, and whether it has got there.
  uint64_t come() const noexcept { return tail_.load(std::memory_order_acquire); }
  bool taken_up_to(uint64_t come) const noexcept {
    return head_.load(std::memory_order_relaxed) >= come;
  }

 private:
  static constexpr size_t kHeader = 8;
  static constexpr uint64_t kSkip = UINT64_MAX;

  char* at(uint64_t position) const noexcept { return memory_.get() + (position & mask_); }
  uint64_t header_at(uint64_t position) const noexcept;
  void set_header(uint64_t position, uint64_t value) noexcept;
  size_t behind(uint64_t position) const noexcept { return mask_ + 1 - (position & mask_); }

  uint64_t mask_;
  std::unique_ptr<char[]> memory_;
  alignas(64) std::atomic<uint64_t> tail_{0};
  uint64_t next_tail_ = 0;   // once published
  uint64_t known_head_ = 0;  // the writer's last look
  alignas(64) std::atomic<uint64_t> head_{0};
};

}  // namespace onehop
