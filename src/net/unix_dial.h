// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include "onehop/net/dialer.h"
#include "onehop/net/event_loop.h"

namespace onehop::net {

// Begins to connect to a path; see Dialer. A connect to one does not wait, but for a place in the
// queue of whoever listens there: while that is full it is tried again, every few milliseconds.
Result<std::unique_ptr<Dial>, NetError> dial_unix(EventLoop& loop, const Address& address,
                                                  Dial::Events& events);

}  // namespace onehop::net
