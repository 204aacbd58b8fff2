// SPDX-License-Identifier: MIT
// Listening sockets, and accepting from them on an event loop.
//
// libuv's own accepting closes queued clients when descriptors run out; this one leaves them in the
// queue, pauses, and tries again: nothing is dropped and nothing spins (edge case 72).
#pragma once

#include <cstdint>
#include <memory>

#include "onehop/base/address.h"
#include "onehop/base/result.h"
#include "onehop/net/error.h"
#include "onehop/net/transport.h"

namespace onehop::net {

class EventLoop;

// A bound, listening, non-blocking socket. Move-only; closes in its destructor.
class ListeningSocket {
 public:
  enum class Port : uint8_t {
    mine_alone,
    shared
  };  // shared: SO_REUSEPORT, each worker has a socket of its own on the address

  // with_data: the kernel keeps a client to itself until its first bytes have come, or a second has
  // passed (TCP_DEFER_ACCEPT), and they are read in the turn in which it is accepted.
  enum class Accepts : uint8_t { at_once, with_data };

  // With port 0 the kernel chooses; local() tells which. TCP_NODELAY and SO_KEEPALIVE are set here
  // and inherited by what is accepted.
  static Result<ListeningSocket, NetError> open(const Address& address, uint32_t backlog, Port port,
                                                Accepts accepts = Accepts::at_once);

  // A bound and listening unix socket, which it owns from here on; `local` is its path, where that
  // is absolute, or anything else of a unix socket.
  // Who connects to it is a process (Address::Process). It accepts at once.
  static ListeningSocket of_unix(int descriptor, const Address& local) {
    return ListeningSocket(descriptor, local, Accepts::at_once);
  }

  // One that listens already, which it owns from here on; adopted_socket.h looks at it first.
  static ListeningSocket of_descriptor(int descriptor, const Address& local, Accepts accepts) {
    return ListeningSocket(descriptor, local, accepts);
  }

  ListeningSocket(ListeningSocket&& other) noexcept;
  ListeningSocket& operator=(ListeningSocket&& other) noexcept;
  ~ListeningSocket();

  void reconfigure(uint32_t backlog, Accepts accepts);

  int descriptor() const noexcept { return descriptor_; }
  bool spent() const noexcept { return descriptor_ < 0; }  // it was moved from
  const Address& local() const noexcept { return local_; }
  Accepts accepts() const noexcept { return accepts_; }

 private:
  ListeningSocket(int descriptor, const Address& local, Accepts accepts)
      : descriptor_(descriptor), local_(local), accepts_(accepts) {}
  int descriptor_ = -1;
  Address local_;
  Accepts accepts_ = Accepts::at_once;
};

class Listener {
 public:
  class Events {
   public:
    // Asked before each client: no leaves it in the kernel's queue, and it is asked again after
    // kPauseMs.
    virtual bool may_accept() = 0;
    // With Accepts::with_data its first bytes follow as soon as this returns, if it wants to read.
    virtual void on_accept(TransportPtr transport, const Address& peer) = 0;
    // Descriptors, or memory, ran out. The receiver frees what it can spare: yes, and accepting
    // goes on, or no, and it pauses for kPauseMs.
    virtual bool make_room(NetError error) = 0;

   protected:
    ~Events() = default;
  };
  static constexpr uint64_t kPauseMs = 50;

  // `events` and `loop` outlive the listener. Destroying it stops accepting and closes the socket.
  static std::unique_ptr<Listener> start(EventLoop& loop, ListeningSocket socket, Events& events);
  virtual ~Listener() = default;

  // For clients that come from now on; those in the queue stay there.
  virtual void reconfigure(uint32_t backlog, ListeningSocket::Accepts accepts) = 0;

  virtual int descriptor() const noexcept = 0;
};

}  // namespace onehop::net
