// SPDX-License-Identifier: MIT
// A door between two threads of a test: one waits until the other has opened it. A gate is opened
// once and stays open.
#pragma once

#include <condition_variable>
#include <mutex>
#include <stdexcept>

#include "tests/support/deadline.h"

namespace onehop::test {

class Gate {
 public:
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

  bool wait_for(milliseconds limit) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, limit, [this] { return open_; });
  }

  // Throws when nobody opens the gate in time.
  void wait() {
    if (!wait_for(patience())) throw std::runtime_error("a gate was not opened in time");
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

}  // namespace onehop::test
