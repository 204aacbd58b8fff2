// SPDX-License-Identifier: MIT
// The loop and the network of the fuzz targets of HTTP/2: time moves when the target says so, bytes
// arrive when it says so, and it keeps the books of both directions.
#pragma once

#include <cstring>
#include <iterator>
#include <limits>
#include <memory>
#include <utility>

#include "h2_frames.h"
#include "onehop/net/transport.h"

namespace onehop::fuzz {

class FuzzLoop final : public net::Loop {
 public:
  ~FuzzLoop() override { destroy_retired(); }

  uint64_t now_ns() const override { return now_ms_ * 1'000'000; }
  uint64_t now_ms() const override { return now_ms_; }

  void pass(uint64_t ms) {
    now_ms_ += ms;
    deadlines_.advance(now_ms_);
  }

 private:
  void on_armed(uint64_t) override {}
  uint64_t now_ms_ = 1'000'000;
};

class Line;

// The near end of a line: what onehop holds.
class FuzzTransport final : public net::Transport, public net::Retirable {
 public:
  FuzzTransport(net::Loop& loop, Line& line) : Transport(loop), line_(line) {}

  void flush() override;
  bool write_pending() const noexcept override { return blocked_; }
  uint64_t taken_bytes() const noexcept override { return written_; }
  void acknowledge() noexcept override {}
  void set_reading(bool wanted) noexcept override { reading_ = wanted; }
  void finish_writing() noexcept override {
    finish_wanted_ = true;
    send();
  }
  void close_with_reset() noexcept override {}

 private:
  friend class Line;
  void close() noexcept override;

  Line& line_;
  bool reading_ = false;
  bool blocked_ = false;
  bool finish_wanted_ = false;
};

// A connection, seen from its far end. Outlives the transport.
class Line {
 public:
  // `given` is the window that onehop gives the connection before anything came.
  Line(net::Loop& loop, std::string_view preface_in, std::string_view preface_out, uint64_t given)
      : in(preface_in, Ledger::Trust::any),
        out(preface_out, Ledger::Trust::correct),
        loop_(loop),
        given_(given) {}

  Ledger in;
  Ledger out;
  uint64_t growth = 0;  // of the window of a stream whose reader keeps up, at most

  net::TransportPtr open() {
    near_ = new FuzzTransport(loop_, *this);
    return net::TransportPtr(near_);
  }
  bool closed() const { return near_ == nullptr; }

  // From the peer, each in a turn of the loop.
  void arrive(std::string_view bytes) {
    if (bytes.empty() || !hears() || ended_) return;
    in.read(bytes);
    Chunk* chunk = acquire_chunk(bytes.size());
    std::memcpy(chunk->bytes(), bytes.data(), bytes.size());
    {
      Buffer arrived;
      arrived.append_slice(chunk, 0, bytes.size());
      near_->events_->on_bytes(arrived);
    }
    // The next read uses the chunk again, so whoever still looks at it sees rubbish.
    if (chunk->references == 1) std::memset(chunk->bytes(), '#', bytes.size());
    release_chunk(chunk);
  }
  void end() {
    if (hears() && !std::exchange(ended_, true)) near_->events_->on_end();
  }
  void fail(int number) {
    if (hears()) std::exchange(near_->events_, nullptr)->on_error({number});
  }

  // The peer takes so many bytes more.
  void let(size_t bytes) {
    room_ = bytes == kUnlimited ? kUnlimited : room_ == kUnlimited ? bytes : room_ + bytes;
    if (near_ == nullptr || !std::exchange(near_->blocked_, false)) return;
    near_->send();
  }

  // After a turn: nobody was given more than came, or sent more than was allowed.
  void check() {
    for (const auto& [id, sent] : out.streams()) {
      const Ledger::Stream& received = in.stream(id);
      if (id == 0) {
        ONEHOP_ASSERT(sent.window <= given_ + in.data());
        ONEHOP_ASSERT(out.data() <= kFirstWindow + received.window);
      } else {
        ONEHOP_ASSERT(sent.window <= received.data + growth);
        ONEHOP_ASSERT(sent.data <= in.largest_window() + received.window);
      }
    }
  }

  static constexpr size_t kUnlimited = std::numeric_limits<size_t>::max();

 private:
  friend class FuzzTransport;
  bool hears() const { return near_ != nullptr && near_->events_ != nullptr && near_->reading_; }
  size_t take(std::string_view bytes) {
    ONEHOP_ASSERT(!finished_);
    const size_t size = std::min(bytes.size(), room_);
    out.read(bytes.substr(0, size));
    if (room_ != kUnlimited) room_ -= size;
    return size;
  }

  net::Loop& loop_;
  uint64_t given_;
  FuzzTransport* near_ = nullptr;
  size_t room_ = kUnlimited;
  bool ended_ = false;     // by the peer
  bool finished_ = false;  // by onehop
};

inline void FuzzTransport::flush() {
  if (blocked_) return;
  while (!output_.empty()) {
    const size_t wanted = output_.front().size();
    const size_t size = line_.take(output_.front());
    output_.consume(size);
    written_ += size;
    if (sent_ != nullptr) sent_->add(size);
    if (size == wanted) continue;
    blocked_ = true;
    if (events_ != nullptr) events_->on_flush(net::Flushed::some);
    return;
  }
  if (finish_wanted_) line_.finished_ = true;
  if (events_ != nullptr) events_->on_flush(net::Flushed::all);
}

inline void FuzzTransport::close() noexcept {
  events_ = nullptr;
  line_.near_ = nullptr;
  unlink();
  output_.clear();
  loop_.retire(std::unique_ptr<net::Retirable>(this));
}

// One of a list that is not empty.
template <class List>
auto& chosen(List& list, Choices& choices) {
  auto at = list.begin();
  std::advance(at, choices.byte() % list.size());
  return *at;
}

// What happens around a connection, whichever side it is: frames of the peer's that are added,
// bytes that arrive or leave, time that passes. False for an action of another kind.
template <class EndTurn>
bool act_around(uint8_t action, Choices& choices, PeerBytes& peer, Line& line, FuzzLoop& loop,
                EndTurn end_turn) {
  constexpr uint8_t kFrames = 14;
  if (action < kFrames) {
    peer.act(static_cast<uint8_t>(action < 9 ? action : action % 3), choices);
  } else if (action < kFrames + 2) {
    line.arrive(peer.take());
  } else if (action == kFrames + 2) {
    const size_t size = choices.byte() + 1u;
    const std::string bytes = peer.take();
    for (size_t at = 0; at < bytes.size(); at += size) {
      line.arrive(std::string_view(bytes).substr(at, size));
      end_turn();
    }
  } else if (action == kFrames + 3) {
    line.let(choices.byte() * 16u);
  } else if (action == kFrames + 4) {
    line.let(Line::kUnlimited);
  } else if (action == kFrames + 5) {
    loop.pass(uint64_t{1} << choices.byte() % 17);
  } else {
    return false;
  }
  return true;
}

// Counts calls into onehop during which it may raise no event.
class NoEvents {
 public:
  explicit NoEvents(int& depth) : depth_(depth) { ++depth_; }
  ~NoEvents() { --depth_; }
  NoEvents(const NoEvents&) = delete;
  NoEvents& operator=(const NoEvents&) = delete;

 private:
  int& depth_;
};

}  // namespace onehop::fuzz
