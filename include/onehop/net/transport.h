// SPDX-License-Identifier: MIT
// Transport: bytes in, bytes out, room. A socket in production, TLS over a socket later, a
// simulated network in tests.
//
// Writing: append to output(), then call send(). The bytes leave at the end of the turn.
// Reading: on_bytes brings what arrived; the receiver takes all of it.
// Events, in order: on_bytes* · on_end? · on_error?   After on_error nothing comes any more; after
// on_end writing still works. on_flush comes after each attempt to write, on_error may come at any
// time. No event is raised from within a call of this interface.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "onehop/base/address.h"
#include "onehop/base/buffer.h"
#include "onehop/net/error.h"
#include "onehop/net/loop.h"
#include "onehop/telemetry/counter.h"

namespace onehop::net {

enum class Flushed : uint8_t { all, some };

// How much one read may bring: freely 64 KiB and more; modestly 16 KiB, where what comes may have
// to wait; sparingly 4 KiB, where it has to.
enum class Reads : uint8_t { freely, modestly, sparingly };

class Transport : public Dirty {
 public:
  class Events {
   public:
    virtual void on_bytes(Buffer& bytes) = 0;    // whatever is left in `bytes` afterwards is lost
    virtual void on_end() = 0;                   // the peer will send nothing more (FIN)
    virtual void on_error(NetError error) = 0;   // broken in both directions; the last event
    virtual void on_flush(Flushed flushed) = 0;  // `some`: the peer does not take it; another
                                                 // on_flush follows when it does

   protected:
    ~Events() = default;
  };

  // Destroys a transport: silences it at once, closes it, frees it when the event loop lets go of
  // it.
  struct Close {
    void operator()(Transport* transport) const noexcept { transport->close(); }
  };

  explicit Transport(Loop& loop) : loop_(loop) {}

  void set_events(Events& events) noexcept { events_ = &events; }

  // For whoever read the beginning and has handed the transport on: gives the rest of what came to
  // who has it now, if anybody. The last thing in that on_bytes.
  void pass_on(Buffer& bytes) {
    if (events_ != nullptr && !bytes.empty()) events_->on_bytes(bytes);
  }

  // Cells that count every byte read and written; both outlive the transport.
  void count_bytes(telemetry::Counter& received, telemetry::Counter& sent) noexcept {
    received_ = &received;
    sent_ = &sent;
  }

  Buffer& output() noexcept { return output_; }
  void send() noexcept { loop_.mark_dirty(*this); }
  size_t unsent() const noexcept { return output_.size(); }

  // Bytes that wait for the peer, also those that are encrypted already and no longer in output():
  // what it makes this process hold.
  virtual size_t waiting_bytes() const noexcept { return output_.size(); }

  // Bytes handed to the peer's network so far.
  uint64_t written() const noexcept { return written_; }

  // A write waits for the peer: the front of output() is in the kernel's or the event loop's hands.
  virtual bool write_pending() const noexcept = 0;

  // Bytes that the peer has acknowledged, as they were on its network; grows while the peer makes
  // progress. May cost a system call: for deadlines.
  virtual uint64_t taken_bytes() const noexcept = 0;

  // How the network finds out that a peer has gone without a word. 0: as the system does it.
  struct Watch {
    uint64_t untaken_ms = 0;  // sent bytes may be unacknowledged, or without room, for so long
    uint64_t quiet_ms = 0;    // a connection may be quiet for so long before it is probed
  };
  virtual void watch_peer(const Watch&) noexcept {}

  // Acknowledges now what was read, instead of up to 40 ms later or with the next bytes sent: for a
  // peer that wrote only a part of its message and holds the rest back until then (Nagle's
  // algorithm, RFC 9293 3.7.4). Costs a system call.
  virtual void acknowledge() noexcept = 0;

  // Idempotent. When off, nothing is read from the network: neither the end nor an error is seen.
  virtual void set_reading(bool wanted) noexcept = 0;

  // What has become of the peer while nothing is read, though bytes that it sent before may wait.
  // Costs a system call: for deadlines.
  enum class Peer : uint8_t { there, ended, gone };  // it said FIN; it reset the connection
  virtual Peer peer() const noexcept { return Peer::there; }

  // Where the next byte that is sent will stand on the peer's network: a beginning for delivered().
  virtual uint64_t position() const noexcept { return written_; }

  // Whether the peer's application can have had a byte of what was sent from `since` on, asked once
  // the peer has ended the connection (docs/decisions/0049). `refused`: it can not, as it had said
  // FIN before the first of them came, and its host has answered with a reset. `unclear`: its host
  // has acknowledged none of them so far, and may yet do either. Costs three system calls.
  enum class Delivered : uint8_t { possible, unclear, refused };
  virtual Delivered delivered([[maybe_unused]] uint64_t since) const noexcept {
    return Delivered::possible;
  }

  // The address that the peer connected to; none where there is none, as at a unix socket. Costs a
  // system call.
  virtual Address local() const noexcept { return {}; }

  // Idempotent; freely at first.
  virtual void set_reads(Reads) noexcept {}

  // Whether the peer has anything to say before it is answered; idempotent, true at first. While it
  // has not, a socket that brought its first bytes along (ListeningSocket::Accepts::with_data) may
  // stay out of the loop's care, which costs three system calls: what it says nevertheless, its end
  // and its reset are then told up to 32 ms later.
  virtual void set_awaited(bool) noexcept {}

  // The protocol that was negotiated for what is above (ALPN, RFC 7301): "h2", "http/1.1"; empty
  // where nothing was. Lives as long as the transport.
  virtual std::string_view application_protocol() const noexcept { return {}; }

  // Half-close: FIN after what is in output(), with its last bytes where they leave in this turn.
  // Idempotent; nothing may be appended afterwards.
  virtual void finish_writing() noexcept = 0;

  // Makes the coming close() a reset (RST) instead of a FIN.
  virtual void close_with_reset() noexcept = 0;

 protected:
  ~Transport() = default;
  virtual void close() noexcept = 0;

  Loop& loop_;
  Events* events_ = nullptr;  // null: silenced
  Buffer output_;
  uint64_t written_ = 0;
  telemetry::Counter* received_ = nullptr;
  telemetry::Counter* sent_ = nullptr;
};

using TransportPtr = std::unique_ptr<Transport, Transport::Close>;

}  // namespace onehop::net
