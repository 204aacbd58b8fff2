// SPDX-License-Identifier: MIT
// What the workers of a process know together of whether an endpoint can be reached, so that the
// log says it once and not once for each of them.
#pragma once

#include <atomic>
#include <cstdint>

namespace onehop::upstream {

// From any thread.
class Reachability {
 public:
  // Lines in the log about one endpoint that fails and fails are no closer together.
  static constexpr uint64_t kLogEveryMs = 10'000;

  // A dial failed, or succeeded: whether that is news.
  bool lost(uint64_t now_ms) noexcept {
    if (lost_.load(std::memory_order_relaxed) || !is_time(lost_again_ms_, now_ms)) return false;
    return !lost_.exchange(true);
  }
  bool found() noexcept { return lost_.load(std::memory_order_relaxed) && lost_.exchange(false); }

  // A connect was refused; whether one was since that was asked last.
  void refused() noexcept { refused_.store(true, std::memory_order_relaxed); }
  bool take_refused() noexcept {
    return refused_.load(std::memory_order_relaxed) && refused_.exchange(false);
  }

  // Its name has addresses of the other family, too: who waits for a dial should not wait long
  // (RFC 8305).
  void use_alternative(bool has) noexcept {
    has_alternative_.store(has, std::memory_order_relaxed);
  }
  bool has_alternative() const noexcept { return has_alternative_.load(std::memory_order_relaxed); }

  // A handshake of TLS failed: whether it is time to say so.
  bool handshake_failed(uint64_t now_ms) noexcept { return is_time(handshake_again_ms_, now_ms); }

 private:
  // One of those who ask at the same time is told yes.
  static bool is_time(std::atomic<uint64_t>& again_ms, uint64_t now_ms) noexcept {
    uint64_t again = again_ms.load(std::memory_order_relaxed);
    return now_ms >= again && again_ms.compare_exchange_strong(again, now_ms + kLogEveryMs);
  }

  std::atomic<bool> lost_ = false;  // and the log said so
  std::atomic<bool> refused_ = false;
  std::atomic<bool> has_alternative_ = false;
  std::atomic<uint64_t> lost_again_ms_ = 0;
  std::atomic<uint64_t> handshake_again_ms_ = 0;
};

}  // namespace onehop::upstream
