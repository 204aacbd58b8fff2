// SPDX-License-Identifier: MIT
// A listening socket that somebody else has opened: the service manager, or the process that this
// one takes over from. It may be theirs as well, with the same queue of clients.
#pragma once

#include <string>
#include <vector>

#include "onehop/net/descriptor_passing.h"
#include "onehop/net/listener.h"

namespace onehop::net {

struct AdoptedSocket {
  ListeningSocket socket;
  // Where it listens, as a configuration says it: "127.0.0.1:80", "unix:/path"; the first is its
  // own, and a dual-stack "[::]:80" is "0.0.0.0:80" as well.
  std::vector<std::string> addresses;
};

// Made non-blocking, and closed at exec. The error is the end of a sentence.
Result<AdoptedSocket, std::string> adopt(Descriptor descriptor);

// Another one of the same socket: both accept from one queue. EMFILE, and the like.
Result<ListeningSocket, NetError> duplicate_of(const ListeningSocket& socket);

}  // namespace onehop::net
