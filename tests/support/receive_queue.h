// SPDX-License-Identifier: MIT
// Has the process at the other end of a loopback connection read all that was sent to it? Both
// sockets live in this kernel, so the receive queue of the other one can be asked for. With it a
// test cuts its bytes at an exact place without sleeping: the second part is sent only when the
// first was read.
#pragma once

namespace onehop::test {

// True also when the question cannot be answered (no sock_diag, or the other socket is gone).
bool everything_was_read(int fd);

}  // namespace onehop::test
