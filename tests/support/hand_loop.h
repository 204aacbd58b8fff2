// SPDX-License-Identifier: MIT
// A loop and a transport that a test drives by hand: a turn ends when the test says so, bytes come
// when it says so, and what is written stays where the test can count it.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "onehop/net/loop.h"
#include "onehop/net/transport.h"

namespace onehop::test {

class HandLoop final : public net::Loop {
 public:
  ~HandLoop() override { destroy_retired(); }

  uint64_t now_ns() const override { return now_ms_ * 1'000'000; }
  uint64_t now_ms() const override { return now_ms_; }
  void pass_ms(uint64_t by) {
    now_ms_ += by;
    deadlines_.advance(now_ms_);
  }

 private:
  void on_armed(uint64_t) override {}
  uint64_t now_ms_ = 1'000'000;
};

// The far end of a HandTransport: outlives it.
struct HandPeer {
  std::string taken;        // what was written, as far as `takes` went
  size_t takes = SIZE_MAX;  // bytes the peer still takes
  bool reading = false;     // the near end wants bytes
  net::Reads reads = net::Reads::freely;
  bool encrypts = false;  // what is written is taken from output(), and waits below it
  bool finished = false;  // it said FIN
  bool closed = false;
  // What its host says of the bytes that were sent last, once it has ended.
  net::Transport::Delivered delivered = net::Transport::Delivered::possible;
  class HandTransport* near = nullptr;

  void say(std::string_view bytes);  // within the turn, as a read brings it
  void end();                        // FIN
};

class HandTransport final : public net::Transport, public net::Retirable {
 public:
  HandTransport(net::Loop& loop, HandPeer& peer) : Transport(loop), peer_(peer) {
    peer.near = this;
  }

  static net::TransportPtr make(net::Loop& loop, HandPeer& peer) {
    return net::TransportPtr(new HandTransport(loop, peer));
  }

  void flush() override {
    if (peer_.encrypts) below_.append(std::move(output_));
    const size_t size = std::min(output_.size(), peer_.takes);
    peer_.taken += output_.take_front(size).to_string();
    peer_.takes -= size;
    written_ += size;
    blocked_ = !output_.empty() || !below_.empty();
    if (events_ == nullptr) return;
    events_->on_flush(blocked_ ? net::Flushed::some : net::Flushed::all);
    if (finish_wanted_ && !blocked_) peer_.finished = true;
  }
  size_t waiting_bytes() const noexcept override { return output_.size() + below_.size(); }
  bool write_pending() const noexcept override { return blocked_; }
  uint64_t taken_bytes() const noexcept override { return written_; }
  Delivered delivered(uint64_t) const noexcept override { return peer_.delivered; }
  void acknowledge() noexcept override {}
  void set_reading(bool wanted) noexcept override { peer_.reading = wanted; }
  void set_reads(net::Reads reads) noexcept override { peer_.reads = reads; }
  void finish_writing() noexcept override {
    finish_wanted_ = true;
    send();
  }
  void close_with_reset() noexcept override {}

 private:
  friend struct HandPeer;
  void close() noexcept override {
    events_ = nullptr;
    unlink();
    peer_.closed = true;
    peer_.near = nullptr;
    loop_.retire(std::unique_ptr<net::Retirable>(this));
  }

  HandPeer& peer_;
  Buffer below_;
  bool blocked_ = false;
  bool finish_wanted_ = false;
};

inline void HandPeer::say(std::string_view bytes) {
  if (near == nullptr || near->events_ == nullptr) return;
  Buffer buffer;
  buffer.append(bytes);
  near->events_->on_bytes(buffer);
}

inline void HandPeer::end() {
  if (near != nullptr && near->events_ != nullptr) near->events_->on_end();
}

}  // namespace onehop::test
