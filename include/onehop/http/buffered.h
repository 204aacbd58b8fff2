// SPDX-License-Identifier: MIT
// Buffered: how many bytes wait for one peer: on a stream, on its connection, for its client's
// address. A level that its owner sets after each write, summed up from the stream to the address.
// Past a limit the sender waits; nothing waits for a peer that takes what it is sent, and then all
// of this costs a comparison.
//
// Of a worker's thread. A parent outlives its children.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "onehop/config/config.h"

namespace onehop::http {

class Buffered {
 public:
  // `limit` bytes of it and of what is below it; 0 is no limit.
  Buffered(Buffered* parent, uint64_t limit) noexcept : parent_(parent), limit_(limit) {}
  Buffered(const Buffered&) = delete;
  Buffered& operator=(const Buffered&) = delete;
  ~Buffered() { set(0); }

  // What waits here, without what waits below.
  void set(size_t bytes) noexcept {
    if (bytes == own_) return;
    const uint64_t change = bytes - own_;  // modulo 2^64
    own_ = bytes;
    for (Buffered* level = this; level != nullptr; level = level->parent_) level->sum_ += change;
  }

  uint64_t bytes() const noexcept { return sum_; }

  // The sender should wait, for this level's sake or for one above.
  bool is_full() const noexcept {
    for (const Buffered* level = this; level != nullptr; level = level->parent_) {
      if (level->limit_ != 0 && level->sum_ >= level->limit_) return true;
    }
    return false;
  }

 private:
  Buffered* parent_;
  uint64_t limit_;
  size_t own_ = 0;
  uint64_t sum_ = 0;
};

// The levels of a worker's clients by address, each there as long as it has a connection.
class ClientBuffers {
 public:
  // Outlives it; a client whose first connection comes has the limit of that moment.
  explicit ClientBuffers(const config::Limits& limits) : limits_(limits) {}

  // `ip` is the client's; once for each of its connections, and then leave() once.
  Buffered& join(std::string_view ip);
  void leave(std::string_view ip);

 private:
  struct Entry {
    explicit Entry(uint64_t limit) : level(nullptr, limit) {}
    Buffered level;
    size_t connections = 0;
  };
  const config::Limits& limits_;
  std::unordered_map<std::string, Entry> by_ip_;
};

}  // namespace onehop::http
