// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>

namespace onehop::telemetry {

// A T that its one writer makes when it first needs it. A reader, on any thread, sees nothing, or
// all of it.
template <class T>
class OnFirstUse {
 public:
  OnFirstUse() = default;
  OnFirstUse(const OnFirstUse&) = delete;
  OnFirstUse& operator=(const OnFirstUse&) = delete;
  ~OnFirstUse() { delete made_.load(std::memory_order_relaxed); }

  T& get() {
    T* made = made_.load(std::memory_order_relaxed);
    if (made == nullptr) {
      made = new T();
      made_.store(made, std::memory_order_release);
    }
    return *made;
  }
  const T* if_made() const noexcept { return made_.load(std::memory_order_acquire); }

 private:
  std::atomic<T*> made_{nullptr};
};

}  // namespace onehop::telemetry
