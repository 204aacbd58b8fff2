// SPDX-License-Identifier: MIT
// Bond: an HTTP/1.1 connection that belongs to one client, because it was authenticated itself and
// not a request on it (NTLM, Negotiate). It is lent to nobody else, waits for its client outside
// the pool, and is closed with the bond, or when the endpoint closes it, or when it was at rest for
// the pool's idle timeout, or at the pool's max_age. It keeps its place in max_connections.
#pragma once

#include "onehop/upstream/pool.h"

namespace onehop::upstream {

class Bond {
 public:
  explicit Bond(PooledConnection& connection);
  ~Bond();
  Bond(const Bond&) = delete;
  Bond& operator=(const Bond&) = delete;

  bool alive() const noexcept { return connection_ != nullptr; }
  bool ready() const noexcept;  // alive, and nobody uses it

 private:
  friend class Pool;
  Lease lend();                                    // while it is ready
  void lose() noexcept;                            // the connection is closed
  static void rest(PooledConnection& connection);  // given back, and fit

  PooledConnection* connection_;
};

}  // namespace onehop::upstream
