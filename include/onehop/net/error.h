// SPDX-License-Identifier: MIT
// What the network said, as a positive errno value, or that TLS over it failed.
#pragma once

#include <cerrno>
#include <cstdint>
#include <string_view>

namespace onehop::net {

// No errno: a handshake or a record of TLS, or an end without a close_notify. The room `tls` says
// more where it happens.
constexpr int kTlsFailed = 1'000'000;

struct NetError {
  int number = 0;  // errno: ECONNREFUSED, ETIMEDOUT, ...; or kTlsFailed

  // Our own shortage (ports, descriptors, memory), which says nothing about the peer.
  constexpr bool is_local_fault() const {
    return number == EADDRNOTAVAIL || number == EMFILE || number == ENFILE || number == ENOBUFS ||
           number == ENOMEM || number == EADDRINUSE;
  }
  // The one that closing a connection of ours ends.
  constexpr bool is_want_of_descriptors() const { return number == EMFILE || number == ENFILE; }
  constexpr bool is_tls_failure() const { return number == kTlsFailed; }
  std::string_view name() const;      // "ECONNREFUSED"
  std::string_view sentence() const;  // "Connection refused"
};

}  // namespace onehop::net
