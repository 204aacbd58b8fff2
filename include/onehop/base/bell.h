// SPDX-License-Identifier: MIT
// Bell: wakes a thread that waits. Ringing costs one load while nobody does.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>

namespace onehop {

class Bell {
 public:
  // From any thread. One that is about to wait may miss it, and waits its time.
  void ring() {
    if (waiting_.load(std::memory_order_relaxed)) wake();
  }

  // From any thread: nobody misses this one, and who waits next does not.
  void wake() {
    {
      const std::lock_guard lock(mutex_);
      rung_ = true;
    }
    waiting_.store(false, std::memory_order_relaxed);
    condition_.notify_one();
  }

  // One thread: until somebody rings, or for so long.
  void await(std::chrono::milliseconds longest) {
    std::unique_lock lock(mutex_);
    waiting_.store(true, std::memory_order_relaxed);
    condition_.wait_for(lock, longest, [this] { return rung_; });
    waiting_.store(false, std::memory_order_relaxed);
    rung_ = false;
  }

 private:
  std::atomic<bool> waiting_ = false;
  std::mutex mutex_;
  std::condition_variable condition_;
  bool rung_ = false;
};

}  // namespace onehop
