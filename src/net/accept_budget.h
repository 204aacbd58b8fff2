// SPDX-License-Identifier: MIT
// AcceptBudget: how many clients a turn accepts.
//
// Asking until nobody is left costs one more accept4(), which makes a socket and throws it away;
// for clients that come one by one that is once for each. So the budget is one, and doubles while
// the queue is never found empty. It is bounded, so that a flood of new clients does not hold up
// those that are being served.
#pragma once

#include <algorithm>

namespace onehop::net {

class AcceptBudget {
 public:
  static constexpr int kPatience = 8;  // turns that spend it before it doubles
  static constexpr int kMost = 64;

  int size() const noexcept { return size_; }

  // Once for each turn in which somebody waited: all of it was used, or the queue ran out.
  void spent() noexcept {
    if (++spent_in_a_row_ < kPatience) return;
    spent_in_a_row_ = 0;
    size_ = std::min(2 * size_, kMost);
  }
  void found_empty() noexcept {
    spent_in_a_row_ = 0;
    size_ = 1;
  }

 private:
  int size_ = 1;
  int spent_in_a_row_ = 0;
};

}  // namespace onehop::net
