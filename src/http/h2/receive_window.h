// SPDX-License-Identifier: MIT
// ReceiveWindow: what a peer may send ahead on one stream (RFC 9113 5.2). Over a long way a window
// lets through one windowful per round trip, however fast the line and the reader are. So it is
// made four times as large whenever half a windowful came and the reader had left nothing of it at
// the beginning of any turn. A reader that falls behind lets it grow no further, so what can wait
// for a reader is the size that the window had when it last kept up: for one that never reads, as
// it was announced.
//
// What all windows of the process have grown by is bounded too; past that they stay as they are.
// The bound is half of what all buffers may hold (growth_within): readers may keep up until their
// windows are large and then stop, and what was announced cannot be taken back. The other half is
// for everything else that waits, so that nobody is given up for windows that onehop itself made
// large.
//
// Of a worker's thread. It ends with its stream, and gives back what it has grown by.
#pragma once

#include <cstddef>
#include <cstdint>

namespace onehop::http::h2 {

struct WindowLimits {
  uint32_t first = 65535;  // as SETTINGS announce it
  uint32_t most = 65535;   // no more than `first`: it does not grow
  uint64_t growth = 0;     // bytes, of all windows of the process; 0 is no limit
};

// `buffered`: server.limits.buffered, of which 0 is no limit.
constexpr uint64_t growth_within(uint64_t buffered) noexcept {
  return buffered - buffered / 2;
}

class ReceiveWindow {
 public:
  explicit ReceiveWindow(const WindowLimits& limits) noexcept : size_(limits.first) {}
  ~ReceiveWindow() { give_back(); }
  ReceiveWindow(const ReceiveWindow&) = delete;
  ReceiveWindow& operator=(const ReceiveWindow&) = delete;

  // `size` bytes came in the loop's turn `turn`. `reader_waits`: it wants them and has taken all
  // that came before. True: the window is to be announced, as size() now says.
  bool came(size_t size, uint64_t turn, bool reader_waits, const WindowLimits& limits) noexcept;

  uint32_t size() const noexcept { return size_; }

 private:
  void give_back() noexcept;

  uint32_t size_;
  uint32_t grown_ = 0;
  uint64_t kept_up_with_ = 0;  // bytes since the last growth, without a turn in which more waited
  uint64_t turn_ = UINT64_MAX;
  bool keeps_up_ = false;  // in that turn
};

}  // namespace onehop::http::h2
