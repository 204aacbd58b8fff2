// SPDX-License-Identifier: MIT
// Where a session of nghttp2 has its memory from. Two pieces of it are pages of its own:
//
//   table   its map of streams, 4 KiB from the first stream on, zeros when there are none (of
//           nghttp2 1.52; that of 1.64 is smaller and comes from the heap)
//   frame   a buffer for a frame of the largest size, 16 KiB, of which the frames of a quiet
//           connection touch the first few hundred bytes
//
// From the heap the buffer would be memory that others have used before, all of it resident. Here
// it becomes real as it is written, one page as a rule, and a connection that rests gives both
// pages back to the system.
#pragma once

#include <nghttp2/nghttp2.h>

#include <cstddef>

namespace onehop::http::h2 {

// Of one session, which ends before it and on the same thread.
class SessionMemory {
 public:
  SessionMemory() = default;
  SessionMemory(const SessionMemory&) = delete;
  SessionMemory& operator=(const SessionMemory&) = delete;
  ~SessionMemory();

  // What nghttp2 is told; it copies it, and this object stays where it is.
  nghttp2_mem functions() noexcept;

  // Nobody needs what is in the frame: it reads as zeros until it is written again. The table keeps
  // what it says.
  void rest() noexcept;

  // Pages of the two that are real; always 0 where sanitizers watch, which want plain heap.
  size_t resident_pages() const noexcept;

 private:
  struct Calls;
  char* table() const noexcept { return slot_; }
  char* frame() const noexcept;
  bool take_slot();

  char* slot_ = nullptr;  // the table's page, and behind it those of the frame
  bool table_taken_ = false;
  bool frame_taken_ = false;
};

}  // namespace onehop::http::h2
