// SPDX-License-Identifier: MIT
// Recycled<T>: operator new and delete over a free list of the thread, for objects that come and go
// with requests and connections. After warm-up `new T` takes no heap. An object dies on the thread
// that made it.
//
// A build with sanitizers (ONEHOP_SANITIZE) recycles nothing: what is used after its end would be
// somebody else's valid memory, and no sanitizer could tell.
#pragma once

#include <cstddef>
#include <new>

namespace onehop {

#ifdef ONEHOP_NO_RECYCLING
inline constexpr bool kRecycling = false;
#else
inline constexpr bool kRecycling = true;
#endif

template <class T, size_t kept = 1024>
class Recycled {
 public:
  static void* operator new(size_t size) {
    FreeList& list = free_list();
    if (list.head == nullptr) return ::operator new(size);
    Link* link = list.head;
    list.head = link->next;
    --list.count;
    return link;
  }
  static void operator delete(void* memory) noexcept {
    FreeList& list = free_list();
    if (!kRecycling || list.count >= kept) {
      ::operator delete(memory);
      return;
    }
    list.head = new (memory) Link{list.head};
    ++list.count;
  }

 private:
  struct Link {
    Link* next;
  };
  struct FreeList {
    Link* head = nullptr;
    size_t count = 0;
    ~FreeList() {
      while (head != nullptr) {
        Link* next = head->next;
        ::operator delete(head);
        head = next;
      }
      count = kept;  // whoever dies later on this thread goes straight to the heap
    }
  };
  static FreeList& free_list() noexcept {
    static thread_local FreeList list;
    return list;
  }
};

}  // namespace onehop
