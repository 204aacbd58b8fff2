// SPDX-License-Identifier: MIT
// How long a test waits. Nothing in the tests sleeps: everything waits for a condition until a
// deadline, and a machine that is slow stretches all deadlines at once with the environment
// variable ONEHOP_TEST_PATIENCE (a factor, 1 by default).
#pragma once

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>

namespace onehop::test {

using std::chrono::milliseconds;

inline milliseconds patience(milliseconds base = milliseconds(15000)) {
  static const double factor = [] {
    const char* text = std::getenv("ONEHOP_TEST_PATIENCE");
    return text == nullptr ? 1.0 : std::max(0.1, std::atof(text));
  }();
  return milliseconds(static_cast<milliseconds::rep>(static_cast<double>(base.count()) * factor));
}

class Deadline {
 public:
  explicit Deadline(milliseconds limit = patience())
      : at_(std::chrono::steady_clock::now() + limit) {}

  bool passed() const { return std::chrono::steady_clock::now() >= at_; }
  milliseconds left() const {
    const auto rest = at_ - std::chrono::steady_clock::now();
    return std::max(milliseconds(0), std::chrono::ceil<milliseconds>(rest));
  }
  int poll_timeout() const { return static_cast<int>(left().count()); }

 private:
  std::chrono::steady_clock::time_point at_;
};

// Asks `condition` about every millisecond until it holds, and once more when the deadline has
// passed: a machine that is busy may give this program no time in between.
template <class Condition>
bool eventually(Condition condition, Deadline deadline = Deadline()) {
  while (!condition()) {
    if (deadline.passed()) return condition();
    ::poll(nullptr, 0, 1);
  }
  return true;
}

}  // namespace onehop::test
