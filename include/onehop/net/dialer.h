// SPDX-License-Identifier: MIT
// Dialer: opens connections. The event loop has one, the simulation another.
#pragma once

#include <memory>

#include "onehop/base/address.h"
#include "onehop/base/result.h"
#include "onehop/net/error.h"
#include "onehop/net/transport.h"

namespace onehop::net {

// A dial in progress. Destroying it gives it up.
class Dial {
 public:
  class Events {
   public:
    // The peer has accepted and something above TCP goes on with a deadline of its own, such as a
    // handshake. At most once, and before one of the two below; the Dial may not be destroyed here.
    virtual void on_reached() {}
    // Exactly one of the two, once, and never from within Dialer::dial. The Dial is spent and may
    // be destroyed in the call.
    virtual void on_connected(TransportPtr transport) = 0;
    virtual void on_dial_failed(NetError error) = 0;

   protected:
    ~Events() = default;
  };
  virtual ~Dial() = default;
};

class Dialer {
 public:
  // `events` outlives the Dial. An error means that the dial could not even begin (no descriptor,
  // no port); no event follows.
  virtual Result<std::unique_ptr<Dial>, NetError> dial(const Address& address,
                                                       Dial::Events& events) = 0;
  virtual ~Dialer() = default;
};

}  // namespace onehop::net
