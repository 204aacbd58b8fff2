// SPDX-License-Identifier: MIT
#include "onehop/base/ring.h"

#include <bit>
#include <cstring>

#include "onehop/base/assert.h"

namespace onehop {
namespace {

constexpr size_t padded(size_t bytes) {
  return (bytes + 7) & ~size_t{7};
}

}  // namespace

Ring::Ring(size_t bytes)
    : mask_(bytes - 1), memory_(std::make_unique_for_overwrite<char[]>(bytes)) {
  ONEHOP_ASSERT(bytes >= 4096 && std::has_single_bit(bytes));
}

uint64_t Ring::header_at(uint64_t position) const noexcept {
  uint64_t value = 0;
  std::memcpy(&value, at(position), sizeof value);
  return value;
}

void Ring::set_header(uint64_t position, uint64_t value) noexcept {
  std::memcpy(at(position), &value, sizeof value);
}

char* Ring::reserve(size_t bytes) noexcept {
  const size_t size = mask_ + 1;
  const size_t needed = kHeader + padded(bytes);
  if (needed > size / 2) return nullptr;
  const uint64_t tail = tail_.load(std::memory_order_relaxed);
  const size_t skipped = behind(tail) < needed ? behind(tail) : 0;
  const uint64_t end = tail + skipped + needed;
  if (end - known_head_ > size) known_head_ = head_.load(std::memory_order_acquire);
  if (end - known_head_ > size) return nullptr;
  if (skipped > 0) set_header(tail, kSkip);
  set_header(tail + skipped, bytes);
  next_tail_ = end;
  return at(tail + skipped) + kHeader;
}

void Ring::publish() noexcept {
  tail_.store(next_tail_, std::memory_order_release);
}

bool Ring::holds(size_t bytes) noexcept {
  const uint64_t tail = tail_.load(std::memory_order_relaxed);
  if (tail - known_head_ < bytes) return false;
  known_head_ = head_.load(std::memory_order_acquire);
  return tail - known_head_ >= bytes;
}

bool Ring::empty() noexcept {
  const uint64_t head = head_.load(std::memory_order_relaxed);
  if (head == tail_.load(std::memory_order_acquire)) return true;
  if (header_at(head) == kSkip) head_.store(head + behind(head), std::memory_order_release);
  return false;
}

std::string_view Ring::front() const noexcept {
  const uint64_t head = head_.load(std::memory_order_relaxed);
  return {at(head) + kHeader, header_at(head)};
}

void Ring::pop() noexcept {
  const uint64_t head = head_.load(std::memory_order_relaxed);
  head_.store(head + kHeader + padded(header_at(head)), std::memory_order_release);
}

}  // namespace onehop
