// SPDX-License-Identifier: MIT
#include "session_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

#include "onehop/base/recycled.h"

namespace onehop::http::h2 {
namespace {

constexpr size_t kPage = 4096;
constexpr size_t kTableBytes = kPage;  // 256 places of 16 bytes
// A frame's payload, its head, and what nghttp2 adds; five pages.
constexpr size_t kLeastFrame = 16 * 1024;
constexpr size_t kFrameBytes = 5 * kPage;
constexpr size_t kSlotBytes = kTableBytes + kFrameBytes;
constexpr size_t kSlotsOfSlab = 64;
constexpr size_t kSlabBytes =
    kSlotsOfSlab * kSlotBytes;     // one mapping: the kernel has few thousands
constexpr size_t kWarmSlots = 64;  // that are free and keep their pages

// Slots of whole pages. A slab stays until its thread ends: what it costs is addresses.
class PagedSlots {
 public:
  PagedSlots() = default;
  PagedSlots(const PagedSlots&) = delete;
  PagedSlots& operator=(const PagedSlots&) = delete;
  ~PagedSlots() {
    if (taken_ > 0) return;  // somebody outlives the thread: rather lost than gone
    for (void* const slab : slabs_) munmap(slab, kSlabBytes);
  }

  // Null: the kernel has none.
  char* take() {
    if (free_.empty() && !add_slab()) return nullptr;
    char* const slot = free_.back();
    free_.pop_back();
    ++taken_;
    return slot;
  }

  void give_back(char* slot) {
    if (free_.size() >= kWarmSlots) madvise(slot, kSlotBytes, MADV_DONTNEED);
    free_.push_back(slot);
    --taken_;
  }

 private:
  bool add_slab() {
    void* const slab = mmap(nullptr, kSlabBytes, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (slab == MAP_FAILED) return false;
    slabs_.push_back(slab);
    free_.reserve(slabs_.size() * kSlotsOfSlab);  // giving back never allocates
    for (size_t at = kSlabBytes; at > 0; at -= kSlotBytes)
      free_.push_back(static_cast<char*>(slab) + at - kSlotBytes);
    return true;
  }

  std::vector<void*> slabs_;
  std::vector<char*> free_;  // the last that was given back is taken first
  size_t taken_ = 0;
};

PagedSlots& slots() {
  static thread_local PagedSlots made;
  return made;
}

bool is_zero(const char* bytes, size_t size) {
  return bytes[0] == 0 && std::memcmp(bytes, bytes + 1, size - 1) == 0;
}

}  // namespace

struct SessionMemory::Calls {
  static SessionMemory& self(void* user) noexcept { return *static_cast<SessionMemory*>(user); }

  static void* take(size_t size, void* user) noexcept {
    SessionMemory& memory = self(user);
    const bool fits = size >= kLeastFrame && size <= kFrameBytes;
    if (!fits || memory.frame_taken_ || !memory.take_slot()) return std::malloc(size);
    memory.frame_taken_ = true;
    return memory.frame();
  }

  static void give_back(void* bytes, void* user) noexcept {
    SessionMemory& memory = self(user);
    if (bytes == nullptr || memory.slot_ == nullptr) return std::free(bytes);
    if (bytes == memory.table()) {
      memory.table_taken_ = false;
    } else if (bytes == memory.frame()) {
      memory.frame_taken_ = false;
    } else {
      std::free(bytes);
    }
  }

  static void* take_zeroed(size_t count, size_t size, void* user) noexcept {
    SessionMemory& memory = self(user);
    const bool fits = size != 0 && count == kTableBytes / size && count * size == kTableBytes;
    if (!fits || memory.table_taken_ || !memory.take_slot()) return std::calloc(count, size);
    memory.table_taken_ = true;
    return std::memset(memory.table(), 0, kTableBytes);
  }

  // It makes its buffers by letting them grow from nothing. None grows out of a slot today; should
  // one ever, its bytes move.
  static void* resize(void* bytes, size_t size, void* user) noexcept {
    SessionMemory& memory = self(user);
    if (bytes == nullptr) return take(size, user);
    if (memory.slot_ == nullptr || (bytes != memory.table() && bytes != memory.frame()))
      return std::realloc(bytes, size);
    void* const grown = std::malloc(size);
    if (grown == nullptr) return nullptr;
    const size_t had = bytes == memory.table() ? kTableBytes : kFrameBytes;
    std::memcpy(grown, bytes, std::min(size, had));
    give_back(bytes, user);
    return grown;
  }
};

SessionMemory::~SessionMemory() {
  if (slot_ != nullptr) slots().give_back(slot_);
}

nghttp2_mem SessionMemory::functions() noexcept {
  return {this, Calls::take, Calls::give_back, Calls::take_zeroed, Calls::resize};
}

char* SessionMemory::frame() const noexcept {
  return slot_ + kTableBytes;
}

// A sanitizer shall see each of them as what it is.
bool SessionMemory::take_slot() {
  if (kRecycling && slot_ == nullptr) slot_ = slots().take();
  return slot_ != nullptr;
}

// A page that is given back reads as zeros, so that of an empty table stays what it is.
void SessionMemory::rest() noexcept {
  if (slot_ == nullptr) return;
  const size_t kept = !table_taken_ || is_zero(table(), kTableBytes) ? 0 : kTableBytes;
  madvise(slot_ + kept, kSlotBytes - kept, MADV_DONTNEED);
}

size_t SessionMemory::resident_pages() const noexcept {
  std::array<unsigned char, kSlotBytes / kPage> pages{};
  if (slot_ == nullptr || mincore(slot_, kSlotBytes, pages.data()) != 0) return 0;
  return static_cast<size_t>(
      std::ranges::count_if(pages, [](unsigned char page) { return (page & 1) != 0; }));
}

}  // namespace onehop::http::h2
