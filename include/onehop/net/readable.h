// SPDX-License-Identifier: MIT
// Readable: tells when there is something to be read from a descriptor that is nobody's transport.
#pragma once

#include <memory>

#include "onehop/net/event_loop.h"

namespace onehop::net {

class Readable {
 public:
  class Events {
   public:
    // Again in each turn until it is read. It may destroy the Readable.
    virtual void on_readable(Readable& which) = 0;

   protected:
    ~Events() = default;
  };

  // `events` and `loop` outlive it, and so does the descriptor, which it does not own.
  static std::unique_ptr<Readable> watch(EventLoop& loop, int descriptor, Events& events);
  virtual ~Readable() = default;
};

}  // namespace onehop::net
